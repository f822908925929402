// The kernels of C1 and C3: one for each pair of a map and a map below it.

import { describeKernels } from "./client.js";

/** By layer: the kernel of a map for each map below, its weights row by row; null where it does not see that map. */
export async function askForKernels() {
  const layers = Object.entries(await describeKernels());
  return Object.fromEntries(layers.map(([layer, { shape, data }]) => [layer, readKernels(shape, data)]));
}

function readKernels([maps, below, rows, columns], data) {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const weights = new Float32Array(bytes.buffer);
  const size = rows * columns;
  const kernel = (index) => [...weights.subarray(index * size, (index + 1) * size)];
  return Array.from({ length: maps }, (_, map) =>
    Array.from({ length: below }, (_, seen) => kernel(map * below + seen)).map((one) => (one.some(Boolean) ? one : null)),
  );
}

/** A kernel as bytes for the palette: 0 stands for minus the largest weight of its map’s kernels, 255 for plus it. */
export function kernelBytes(layer, map, seen) {
  const largest = Math.max(...layer[map].flat().map(Math.abs));
  return Uint8Array.from(layer[map][seen], (weight) => Math.round(127.5 + (127.5 * weight) / largest));
}
