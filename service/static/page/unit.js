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
const WEIGHING = ["C1", "C3"]; // with kernels
const KERNEL = 5; // rows and columns
const NONE = "Nothing chosen yet.";

export class UnitView {
  /** `network` has the layers' shapes, bytes and palettes. */
  constructor(network) {
    this.network = network;
    this.line = document.getElementById("unit");
    this.patches = document.getElementById("patches");
    this.unit = null;
    this.kernels = null; // asked for when one is first wanted
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
    for (const seen of maps) this.addPatch(below.layer, seen, below.box, this.kernelFor(layer, map, seen));
    if (below.layer !== "input") this.addPatch("input", 0, seenInInput(layer, box, this.network.shapes));
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

  /** One map's window, with the kernel that weighs it where there is one; nothing where the map is not seen at all. */
  addPatch(layer, map, [top, left, height, width], kernel) {
    if (kernel === null) return;
    const [maps, , columns] = this.network.shapes[layer];
    const bytes = this.network.mapBytes(layer, map);
    const patch = Uint8Array.from({ length: height * width }, (_, index) => {
      return bytes[(top + Math.floor(index / width)) * columns + left + (index % width)];
    });
    const name = `${titleOf(layer)}${maps > 1 ? ` ${map + 1}` : ""}`;
    const pictures = [paintPatch(patch, width, height, this.network.paletteOf(layer))];
    if (kernel) pictures.push(paintPatch(kernel, KERNEL, KERNEL, this.network.palette));
    this.patches.append(buildFigure(pictures, kernel ? `${name} and its kernel` : `${name}, ${height}×${width}`));
  }

  /** Its bytes; undefined where a layer has none, or they are not known yet; null where the map below is not seen. */
  kernelFor(layer, map, seen) {
    if (!WEIGHING.includes(layer)) return undefined;
    if (!this.kernels) {
      this.kernels = {};
      askForKernels().then(
        (kernels) => {
          this.kernels = kernels;
          this.show(this.unit);
        },
        () => (this.kernels = null), // asked again with the next unit
      );
    }
    const known = this.kernels?.[layer];
    return known && (known[map][seen] ? kernelBytes(known, map, seen) : null);
  }
}

function paintPatch(bytes, width, height, palette) {
  const canvas = newCanvas(width, height);
  paint(canvas, bytes, palette);
  return canvas;
}

function buildFigure(pictures, words) {
  const [figure, caption] = [document.createElement("figure"), document.createElement("figcaption")];
  caption.textContent = words;
  figure.append(...pictures, caption);
  return figure;
}

export function titleOf(name) {
  return name === "input" ? "Input" : name === "output" ? "Output" : name;
}
