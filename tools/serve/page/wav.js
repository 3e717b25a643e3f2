// A decoded song as a mono 16-bit wav file, for what the server can't read itself, as recordings and m4a files.

export function toWav(buffer) {
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, k) => buffer.getChannelData(k));
  const view = new DataView(new ArrayBuffer(44 + 2 * buffer.length));
  const text = (at, word) => [...word].forEach((letter, k) => view.setUint8(at + k, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * buffer.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of this part
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, buffer.sampleRate, true);
  view.setUint32(28, 2 * buffer.sampleRate, true);
  view.setUint16(32, 2, true); // bytes a frame
  view.setUint16(34, 16, true); // bits a sample
  text(36, "data");
  view.setUint32(40, 2 * buffer.length, true);
  for (let i = 0; i < buffer.length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i];
    const sample = Math.max(-1, Math.min(1, sum / channels.length));
    view.setInt16(44 + 2 * i, Math.round(32767 * sample), true);
  }
  return view.buffer;
}
