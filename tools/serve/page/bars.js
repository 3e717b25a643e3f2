// The table of genres: votes, shares and means of the song or the selection, and the probabilities of one clip.

import { clock, tally } from "/votes.js";

export class Bars {
  #rows;

  constructor(body, genres) {
    this.#rows = new Map(genres.map((genre) => [genre.name, this.#row(body, genre)]));
  }

  #row(body, genre) {
    const row = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = genre.name;
    row.append(head);
    const [votes, share, mean, now] = Array.from({ length: 4 }, () => row.insertCell());
    share.className = mean.className = "number";
    return { row, votes: this.#bar(votes, genre.colour), share, mean, now: this.#bar(now) };
  }

  #bar(cell, colour) {
    const wrap = document.createElement("div");
    const bar = document.createElement("i");
    const label = document.createElement("span");
    wrap.className = colour ? "bar" : "bar thin";
    if (colour) bar.style.background = colour;
    wrap.append(bar, label);
    cell.append(wrap);
    return (share, text) => {
      bar.style.width = `calc((100% - 2.8rem) * ${share})`; // beside the longest number
      label.textContent = text;
    };
  }

  // Votes of some of the song's clips; returns what they decide.
  showVotes(song, clips) {
    const found = tally(song, clips, [...this.#rows.keys()]);
    for (const { genre, votes, mean } of found.counts) {
      const row = this.#rows.get(genre);
      row.votes(votes / clips.length, votes);
      row.share.textContent = `${Math.round((100 * votes) / clips.length)}%`;
      row.mean.textContent = mean.toFixed(2);
      row.row.classList.toggle("leader", genre === found.decision);
    }
    return found;
  }

  showClip(song, clip) {
    for (const [genre, probability] of Object.entries(song.time_line[clip].probabilities)) {
      this.#rows.get(genre).now(probability, probability.toFixed(2));
    }
  }
}

export function describeScope(found, clips, selection) {
  const votes = `${found.leader.votes} of ${clips} ${clips === 1 ? "clip" : "clips"}`;
  const outcome = found.decision === "undecided" ? `undecided, ${votes} at most for ${found.leader.genre}` : `${found.decision} by ${votes}`;
  return selection ? `Selection ${clock(selection[0])} to ${clock(selection[1])}: ${outcome}` : `Whole song: ${outcome}`;
}
