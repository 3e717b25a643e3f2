// One song on the page: spectrogram, a button for each clip's vote, bars, and all that moves along while it plays.

import { Bars, describeScope } from "/bars.js";
import { Spectrogram } from "/spectrogram.js";
import { clipAt, clipsWithin, clock, tally } from "/votes.js";

const NARROWEST_CLIP = 56; // pixels: room for the longest genre

const $ = (id) => document.getElementById(id);

export class View {
  #player;
  #colours;
  #bars;
  #spectrogram = new Spectrogram($("spectrogram"));
  #song = null;
  #selection = null; // [from, to] in seconds
  #clip = -1; // the one that is shown as the song's place
  #ticking = false; // whether a frame is due that moves everything along

  constructor(player, genres) {
    this.#player = player;
    this.#colours = Object.fromEntries(genres.map(({ name, colour }) => [name, colour]));
    this.#bars = new Bars($("bars"), genres);
    this.#listen();
  }

  get shown() {
    return this.#song !== null;
  }

  show(song, name, truth) {
    this.#song = song;
    this.#selection = null;
    this.#clip = -1;
    $("result").hidden = false;
    $("name").textContent = `${name}, ${clock(song.seconds)}`;
    $("decision").textContent = song.decision;
    $("truth").textContent = truth ? (truth === song.decision ? "✓ that is right" : `✗ it is ${truth}`) : "";
    $("truth").className = truth === song.decision ? "right" : "wrong";
    const { leader } = tally(song, clipsWithin(song, [0, song.seconds]), Object.keys(song.votes));
    const agree = `${leader.votes} of ${song.clips} clips agree`;
    $("summary").textContent =
      `${song.decision === "undecided" ? `At most ${agree}, for ${leader.genre}` : agree}; ${song.threshold} are needed. ` +
      `By mean probability: ${song.most_probable} (${song.mean_probability[song.most_probable].toFixed(2)}).`;
    $("position").max = song.seconds;
    $("scroll").scrollLeft = 0;
    this.#makeClips();
    this.#spectrogram.load(song.spectrogram);
    this.#showScope();
    this.#lay();
    $("play").focus({ preventScroll: true });
    $("result").scrollIntoView({ block: "start", behavior: "auto" });
  }

  #makeClips() {
    const buttons = this.#song.time_line.map(({ genre, probabilities, start }, clip) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = genre;
      button.style.background = this.#colours[genre];
      button.setAttribute("aria-label", `${clock(start)}: ${genre}, probability ${probabilities[genre].toFixed(2)}`);
      button.title = button.getAttribute("aria-label");
      button.tabIndex = -1; // one stop for Tab in all: see #update
      button.onclick = () => this.goTo(clip);
      return button;
    });
    $("clips").replaceChildren(...buttons);
  }

  // Pixels a second: the whole song in the window, but no clip too narrow for its name.
  get #scale() {
    return Math.max($("scroll").clientWidth / this.#song.seconds, NARROWEST_CLIP / this.#song.clip_seconds);
  }

  #lay() {
    if (!this.#song) return;
    const scale = this.#scale;
    $("stage").style.width = `${this.#song.seconds * scale}px`;
    $("spectrogram").style.width = `${$("scroll").clientWidth}px`;
    for (const button of $("clips").children) button.style.width = `${this.#song.clip_seconds * scale}px`;
    this.#draw();
    this.#update();
  }

  #draw() {
    if (!this.#song) return;
    this.#spectrogram.draw($("scroll").scrollLeft / this.#scale, this.#scale, this.#player.position, this.#selection);
  }

  // Everything that depends on where the song stands.
  #update() {
    const position = this.#player.position;
    const clip = clipAt(this.#song, position);
    $("time").textContent = `${clock(position)} / ${clock(this.#song.seconds)}`;
    $("position").value = position;
    $("position").setAttribute("aria-valuetext", `${clock(position)}, ${this.#song.time_line[clip].genre}`);
    if (clip !== this.#clip) {
      const buttons = $("clips").children;
      if (this.#clip >= 0) {
        buttons[this.#clip].removeAttribute("aria-current");
        buttons[this.#clip].tabIndex = -1;
      }
      buttons[clip].setAttribute("aria-current", "true");
      buttons[clip].tabIndex = 0;
      if ($("clips").contains(document.activeElement)) buttons[clip].focus({ preventScroll: true });
      this.#clip = clip;
      this.#bars.showClip(this.#song, clip);
    }
    $("play").textContent = this.#player.playing ? "❚❚ Pause" : "▶ Play";
  }

  // Keeps where the song stands in the middle of the window.
  #follow() {
    const middle = this.#player.position * this.#scale - $("scroll").clientWidth / 2;
    $("scroll").scrollLeft = middle;
  }

  #showScope() {
    const clips = clipsWithin(this.#song, this.#selection ?? [0, this.#song.seconds]);
    const found = this.#bars.showVotes(this.#song, clips);
    $("scope").textContent = describeScope(found, clips.length, this.#selection);
    $("play-selection").disabled = $("clear").disabled = !this.#selection;
    [...$("clips").children].forEach((button, clip) => button.classList.toggle("outside", !clips.includes(clip)));
  }

  select(from, to) {
    const [low, high] = [Math.max(Math.min(from, to), 0), Math.min(Math.max(from, to), this.#song.seconds)];
    this.#selection = high - low > 0.05 ? [low, high] : null;
    this.#showScope();
    this.#draw();
  }

  selectFrom() {
    const here = this.#player.position;
    const end = this.#selection?.[1] ?? this.#song.seconds;
    this.select(here, end > here ? end : this.#song.seconds);
  }

  selectTo() {
    const here = this.#player.position;
    const begin = this.#selection?.[0] ?? 0;
    this.select(begin < here ? begin : 0, here);
  }

  clear() {
    this.select(0, 0);
  }

  toggle() {
    if (this.#player.playing) this.#player.pause();
    else this.#player.play();
  }

  goTo(clip) {
    const inside = Math.min(Math.max(clip, 0), this.#song.clips - 1);
    this.#player.seek(inside * this.#song.clip_seconds);
    this.#follow();
  }

  step(by) {
    this.goTo(clipAt(this.#song, this.#player.position) + by);
  }

  #listen() {
    $("play").onclick = () => this.toggle();
    $("from").onclick = () => this.selectFrom();
    $("to").onclick = () => this.selectTo();
    $("clear").onclick = () => this.clear();
    $("play-selection").onclick = () => this.#player.play(...this.#selection);
    $("position").oninput = () => this.#player.seek(Number($("position").value));
    $("scroll").onscroll = () => this.#draw();
    new ResizeObserver(() => this.#lay()).observe($("scroll"));
    this.#player.addEventListener("change", () => {
      if (!this.#song) return;
      this.#update();
      this.#draw();
      if (this.#player.playing && !this.#ticking) this.#tick();
    });
    this.#listenToPointer();
  }

  #tick() {
    this.#ticking = this.#player.playing;
    if (!this.#ticking) return;
    this.#follow();
    this.#update();
    this.#draw();
    requestAnimationFrame(() => this.#tick());
  }

  // A click or tap goes there; a mouse that drags selects. Fingers that drag scroll.
  #listenToPointer() {
    const canvas = $("spectrogram");
    const seconds = (event) => ($("scroll").scrollLeft + event.clientX - canvas.getBoundingClientRect().left) / this.#scale;
    let begun = null;
    canvas.onpointerdown = (event) => {
      if (event.pointerType !== "mouse" || event.button !== 0) return;
      begun = { x: event.clientX, at: seconds(event) };
      canvas.setPointerCapture(event.pointerId);
    };
    canvas.onpointermove = (event) => {
      if (begun && Math.abs(event.clientX - begun.x) > 4) this.select(begun.at, seconds(event));
    };
    canvas.onpointerup = (event) => {
      if (!begun || Math.abs(event.clientX - begun.x) <= 4) this.#player.seek(seconds(event));
      begun = null;
    };
    canvas.onpointercancel = () => (begun = null);
  }
}
