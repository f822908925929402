// Bytes to colours: 0 stands for -1, 255 for +1, as the service sends activations.

const ABGR = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1; // how this machine lays out a pixel's four bytes

export const GREY = Uint32Array.from({ length: 256 }, (_, level) => pixel([level, level, level]));

/** From the page's colours for -1, 0 and +1, as the mode is, light or dark. */
export function signedPalette() {
  const style = getComputedStyle(document.documentElement);
  const [minus, zero, plus] = ["--minus", "--zero", "--plus"].map((name) => parseColour(style.getPropertyValue(name)));
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    const value = byte / 127.5 - 1;
    const end = value < 0 ? minus : plus;
    return pixel(zero.map((from, channel) => Math.round(from + (end[channel] - from) * Math.abs(value))));
  });
}

/** Draw bytes, row by row, one pixel each: the canvas is as large as there are units. */
export function paint(canvas, bytes, palette) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let index = 0; index < pixels.length; index++) pixels[index] = palette[bytes[index]];
  context.putImageData(image, 0, 0);
}

export function newCanvas(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

function parseColour(hex) {
  const number = parseInt(hex.trim().slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

function pixel([red, green, blue]) {
  const [high, second, third, low] = ABGR ? [255, blue, green, red] : [red, green, blue, 255];
  return ((high << 24) | (second << 16) | (third << 8) | low) >>> 0;
}
