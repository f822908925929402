// What a chosen unit sees, in words and as pictures.

import { seenBelow, seenInInput } from "./fields.js";
import { askForKernels, kernelBytes } from "./kernels.js";
import { newCanvas, paint } from "./palette.js";

const SEES = {
  C1: "It weighs this window of the input with its map’s kernel:",
  S2: "It averages these four units of C1:",
  C3: "It weighs these windows of S2, with a kernel for each, and so sees this much of the input:",
  S4: "It averages these four units of C3, and so sees this much of the input:",
  C5: "It weighs every unit of S4:",
  F6: "It weighs every unit of C5:",
};
const NONE = "Nothing chosen yet.";

export class UnitView {
  /** `network` has the layers' shapes, bytes and palettes. */
  constructor(network) {
    this.network = network;
    this.line = document.getElementById("unit");
    this.patches = document.getElementById("patches");
    this.unit = null;
    this.kernels = null; // of C1, asked for when one is first wanted
  }

  /** `unit`: layer, map, row and column, or null. */
  show(unit) {
    this.unit = unit;
    this.patches.replaceChildren();
    const words = unit ? this.words() : NONE;
    if (this.line.textContent !== words) this.line.textContent = words; // or it would be read out again
    if (!unit) return;
    const { layer, map, row, column } = unit;
    const box = [row, column, 1, 1];
    const below = seenBelow(layer, map, box, this.network.shapes);
    if (!below) return;
    const maps = below.map === null ? [...Array(this.network.shapes[below.layer][0]).keys()] : [below.map];
    for (const seen of maps) this.addPatch(below.layer, seen, below.box);
    if (below.layer !== "input") this.addPatch("input", 0, seenInInput(layer, box, this.network.shapes));
    if (layer === "C1") this.addKernel(map);
  }

  words() {
    const { layer, map, row, column } = this.unit;
    const [maps, rows, columns] = this.network.shapes[layer];
    const byte = this.network.mapBytes(layer, map)[row * columns + column];
    if (layer === "input") return `Input, row ${row + 1}, column ${column + 1}: ${byte} of 255.`;
    if (layer === "output") return `Output for ${column}: ${Math.round(((byte - 127.5) / 127.5) * 100)} %.`;
    const value = (byte / 127.5 - 1).toFixed(2).replace("-", "−");
    const number = row * columns + column + 1;
    const place = maps > 1 ? `map ${map + 1}, row ${row + 1}, column ${column + 1}` : `unit ${number}`;
    return `${layer}, ${place}: ${value}. ${SEES[layer]}`;
  }

  addPatch(layer, map, [top, left, height, width]) {
    const [maps, , columns] = this.network.shapes[layer];
    const bytes = this.network.mapBytes(layer, map);
    const patch = Uint8Array.from({ length: height * width }, (_, index) => {
      return bytes[(top + Math.floor(index / width)) * columns + left + (index % width)];
    });
    const name = `${titleOf(layer)}${maps > 1 ? ` ${map + 1}` : ""}`;
    this.patches.append(buildPatch(patch, width, height, this.network.paletteOf(layer), `${name}, ${height}×${width}`));
  }

  addKernel(map) {
    if (!this.kernels) {
      this.kernels = { of: null };
      askForKernels().then(
        (kernels) => {
          this.kernels.of = kernels;
          this.show(this.unit);
        },
        () => (this.kernels = null), // asked again with the next unit
      );
    }
    if (!this.kernels.of) return;
    this.patches.append(buildPatch(kernelBytes(this.kernels.of, map), 5, 5, this.network.palette, `Kernel ${map + 1}`));
  }
}

function buildPatch(bytes, width, height, palette, words) {
  const [figure, caption] = [document.createElement("figure"), document.createElement("figcaption")];
  const canvas = newCanvas(width, height);
  caption.textContent = words;
  paint(canvas, bytes, palette);
  figure.append(canvas, caption);
  return figure;
}

export function titleOf(name) {
  return name === "input" ? "Input" : name === "output" ? "Output" : name;
}
