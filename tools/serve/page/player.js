// A song that can be heard from any point, through Web Audio: its clock says exactly where the song stands.

export class Player extends EventTarget {
  #context = null;
  #buffer = null;
  #source = null;
  #offset = 0; // where the song stands, or stood when it was last started, in seconds
  #begun = 0; // the context's time at which it was last started
  #end = Infinity;

  get context() {
    this.#context ??= new AudioContext();
    return this.#context;
  }

  get playing() {
    return this.#source !== null;
  }

  get duration() {
    return this.#buffer?.duration ?? 0;
  }

  get position() {
    if (!this.playing) return this.#offset;
    // What is computed now is heard a little later.
    const heard = this.context.currentTime - this.#begun - (this.context.outputLatency || 0);
    return Math.min(this.#offset + Math.max(heard, 0), this.#end, this.duration);
  }

  // Bytes of any format that this browser knows; rejects for the others.
  decode(bytes) {
    return this.context.decodeAudioData(bytes);
  }

  load(buffer) {
    this.pause();
    this.#buffer = buffer;
    this.#offset = 0;
  }

  // From a point on, to `end` if given.
  play(from = this.#offset, end = Infinity) {
    if (!this.#buffer) return;
    this.pause();
    this.context.resume(); // browsers keep it silent until the first click or key
    this.#offset = from >= this.duration - 0.05 ? 0 : Math.max(from, 0);
    this.#end = end;
    const source = this.context.createBufferSource();
    source.buffer = this.#buffer;
    source.connect(this.context.destination);
    source.onended = () => {
      if (source !== this.#source) return;
      this.pause();
      this.#offset = Math.min(end, this.duration);
      this.dispatchEvent(new Event("change"));
    };
    source.start(0, this.#offset, Number.isFinite(end) ? Math.max(end - this.#offset, 0) : undefined);
    this.#begun = this.context.currentTime;
    this.#source = source;
    this.dispatchEvent(new Event("change"));
  }

  pause() {
    if (!this.playing) return;
    this.#offset = this.position;
    const source = this.#source;
    this.#source = null;
    source.stop();
    this.dispatchEvent(new Event("change"));
  }

  seek(seconds) {
    const to = Math.min(Math.max(seconds, 0), this.duration);
    if (this.playing) this.play(to);
    else this.#offset = to;
    this.dispatchEvent(new Event("change"));
  }
}
