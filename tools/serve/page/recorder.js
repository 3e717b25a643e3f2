// The microphone, from one press of a button to the next.

const LONGEST = 60_000; // milliseconds

export class Recorder {
  #recorder = null;

  get recording() {
    return this.#recorder?.state === "recording";
  }

  stop() {
    if (this.recording) this.#recorder.stop();
  }

  // Resolves with the bytes once `stop` is called or a minute is over. `begun` is called when the microphone is open.
  async record(begun) {
    if (!navigator.mediaDevices) throw new Error("this browser gives the microphone to pages on this machine or over https alone");
    // Unprocessed: what makes speech clear spoils music.
    const sound = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: sound });
    const recorder = new MediaRecorder(stream);
    this.#recorder = recorder;
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const ended = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    begun();
    const timer = setTimeout(() => this.stop(), LONGEST);
    await ended;
    clearTimeout(timer);
    stream.getTracks().forEach((track) => track.stop());
    return new Blob(parts).arrayBuffer();
  }
}
