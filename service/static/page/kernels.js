// The kernels of C1, asked of the network itself: the echo of one lit pixel in C1 is the kernel, turned around.

import { predict } from "./client.js";
import { toPng } from "./gallery.js";
import { GREY, newCanvas, paint } from "./palette.js";

const SIZE = 28;
const WINDOW = 5;
const [NEAR, FAR] = [4, 23]; // so that the echoes do not meet, and framing takes the frame as it is: 20 pixels, centred
const [STRONG, WEAK] = [255, 90]; // a weight too large for the strong pixel's echo is read from the weak one's
const SATURATED = 0.95; // of an activation, from which on its byte no longer tells large weights apart

/** The kernel of each map, 25 numbers row by row, to a hundredth or two. */
export async function askForKernels() {
  const { layers } = await predict(await toPng(twoPairs()), "layers");
  const { shape, data } = layers.C1;
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  return Array.from({ length: shape[0] }, (_, map) => readKernel(bytes, map, shape[1]));
}

/** Two strong pixels and two weak ones in the corners of a square. */
function twoPairs() {
  const frame = new Uint8Array(SIZE * SIZE);
  frame[NEAR * SIZE + NEAR] = frame[FAR * SIZE + FAR] = STRONG;
  frame[NEAR * SIZE + FAR] = frame[FAR * SIZE + NEAR] = WEAK;
  const canvas = newCanvas(SIZE, SIZE);
  paint(canvas, frame, GREY);
  return canvas;
}

function readKernel(bytes, map, side) {
  const pad = (side + WINDOW - 1 - SIZE) / 2;
  const activation = (row, column) => bytes[(map * side + row + pad) * side + column + pad] / 127.5 - 1;
  const bias = Math.atanh(activation(12, 12)); // sees no lit pixel
  return Array.from({ length: WINDOW * WINDOW }, (_, index) => {
    const [row, column] = [NEAR - Math.floor(index / WINDOW), index % WINDOW];
    const strong = activation(row, NEAR - column);
    if (Math.abs(strong) < SATURATED) return Math.atanh(strong) - bias;
    const weak = Math.min(Math.max(activation(row, FAR - column), -0.998), 0.998);
    return ((Math.atanh(weak) - bias) * STRONG) / WEAK;
  });
}

/** A kernel as bytes for the palette: 0 stands for minus the largest weight of all, 255 for plus it. */
export function kernelBytes(kernels, map) {
  const largest = Math.max(...kernels.flat().map(Math.abs));
  return Uint8Array.from(kernels[map], (weight) => Math.round(127.5 + (127.5 * weight) / largest));
}
