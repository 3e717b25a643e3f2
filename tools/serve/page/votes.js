// The vote of any clips of a song, by the rules of the server: most votes, ties to the higher mean probability, and
// 'undecided' below the threshold, which goes in proportion with the number of clips.

// The clips whose middle lies in [from, to], in seconds; where there is none, the one in the middle of it.
export function clipsWithin(song, [from, to]) {
  const all = song.time_line.map((_, clip) => clip);
  const inside = all.filter((clip) => {
    const middle = (clip + 0.5) * song.clip_seconds;
    return middle >= from && middle <= to;
  });
  return inside.length ? inside : [clipAt(song, (from + to) / 2)];
}

export function clipAt(song, seconds) {
  // A little is added so that rounding does not put a clip's very beginning into the one before.
  return Math.min(Math.max(Math.floor(seconds / song.clip_seconds + 1e-6), 0), song.clips - 1);
}

// Per genre its votes and mean probability, and the decision on the whole.
export function tally(song, clips, genres) {
  const counts = genres.map((genre) => ({
    genre,
    votes: clips.filter((clip) => song.time_line[clip].genre === genre).length,
    mean: clips.reduce((sum, clip) => sum + song.time_line[clip].probabilities[genre], 0) / clips.length,
  }));
  const leader = counts.reduce((best, next) =>
    next.votes > best.votes || (next.votes === best.votes && next.mean > best.mean) ? next : best);
  const needed = Math.max(1, Math.round((clips.length * song.threshold) / song.clips));
  return { counts, leader, needed, decision: leader.votes >= needed ? leader.genre : "undecided" };
}

export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
