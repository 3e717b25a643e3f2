// The spectrogram on a canvas that shows the stretch of the song which is scrolled to.

// from dark to bright: black, purple, red, orange, pale yellow
const ANCHORS = [[0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122], [229, 80, 100], [251, 135, 97], [254, 194, 135], [252, 253, 191]];

function colour(value) {
  const place = (value / 255) * (ANCHORS.length - 1);
  const low = Math.min(Math.floor(place), ANCHORS.length - 2);
  return ANCHORS[low].map((part, k) => part + (place - low) * (ANCHORS[low + 1][k] - part));
}

export class Spectrogram {
  #canvas;
  #image = null; // all of the song, a pixel a value
  #columnSeconds = 1;

  constructor(canvas) {
    this.#canvas = canvas;
  }

  // `spectrogram` is as the server sends it: bytes row by row from the lowest band, in base64.
  load({ bands, columns, column_seconds: columnSeconds, values }) {
    const bytes = atob(values);
    const palette = Array.from({ length: 256 }, (_, value) => colour(value));
    const pixels = new ImageData(columns, bands);
    for (let band = 0; band < bands; band++) {
      for (let column = 0; column < columns; column++) {
        const [red, green, blue] = palette[bytes.charCodeAt(band * columns + column)];
        pixels.data.set([red, green, blue, 255], 4 * ((bands - 1 - band) * columns + column));
      }
    }
    this.#image = document.createElement("canvas");
    this.#image.width = columns;
    this.#image.height = bands;
    this.#image.getContext("2d").putImageData(pixels, 0, 0);
    this.#columnSeconds = columnSeconds;
  }

  // From `start` seconds on, at `scale` pixels a second, with the selection bright and a line where the song stands.
  draw(start, scale, position, selection) {
    if (!this.#image) return;
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    const pen = this.#canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const columns = width / scale / this.#columnSeconds;
    pen.drawImage(this.#image, start / this.#columnSeconds, 0, columns, this.#image.height, 0, 0, width, height);
    const x = (seconds) => (seconds - start) * scale;
    if (selection) {
      const [left, right] = selection.map(x);
      pen.fillStyle = "rgb(0 0 0 / 60%)";
      pen.fillRect(0, 0, Math.max(left, 0), height);
      pen.fillRect(right, 0, Math.max(width - right, 0), height);
      pen.fillStyle = "#fff";
      for (const edge of [left, right]) pen.fillRect(edge - 1, 0, 2, height);
    }
    pen.fillStyle = "#5ef2ff";
    pen.fillRect(x(position) - 1, 0, 3, height);
  }
}
