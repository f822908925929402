// The network at work: every layer as a row of small maps, and what a unit of them sees.

import { seenBelow, seenInInput } from "./fields.js";
import { GREY, newCanvas, paint, signedPalette } from "./palette.js";
import { UnitView, titleOf } from "./unit.js";

const SHAPES = {
  input: [1, 28, 28],
  C1: [6, 24, 24],
  S2: [6, 12, 12],
  C3: [16, 8, 8],
  S4: [16, 4, 4],
  C5: [1, 3, 40],
  F6: [1, 3, 28],
  output: [1, 1, 10],
}; // as long as nothing was drawn; the answer has its own
const KINDS = {
  input: "what framing made",
  C1: "5×5 windows",
  S2: "2×2 averages",
  C3: "5×5 windows on S2",
  S4: "2×2 averages",
  C5: "sees all of S4",
  F6: "sees all of C5",
  output: "probabilities",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class LayersView {
  constructor() {
    this.container = document.getElementById("layers");
    this.unitView = new UnitView(this);
    this.palette = signedPalette();
    this.unit = null;
    this.marks = [];
    this.build(SHAPES);
    this.clear();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
  }

  build(shapes) {
    this.shapes = shapes;
    this.rows = Object.fromEntries(Object.keys(shapes).map((name) => [name, this.buildRow(name, shapes[name])]));
    this.container.replaceChildren(...Object.values(this.rows).map(({ row }) => row));
  }

  buildRow(name, [maps, rows, columns]) {
    const row = document.createElement("div");
    row.className = `layer ${name}`;
    const strip = document.createElement("div");
    strip.className = "maps";
    strip.tabIndex = 0;
    strip.setAttribute("role", "application");
    const size = sizeWords(maps, rows, columns);
    strip.setAttribute("aria-label", `${titleOf(name)}, ${size}: arrow keys move from unit to unit`);
    const wrappers = Array.from({ length: maps }, (_, map) => buildMap(map, rows, columns));
    strip.append(...wrappers);
    if (name === "output") strip.append(buildNames());
    this.listen(strip, name);
    row.append(buildLabel(name, size), strip);
    return { row, wrappers, canvases: wrappers.map(({ firstChild }) => firstChild) };
  }

  listen(strip, layer) {
    const point = (event) => {
      const wrapper = event.target.closest(".map");
      if (!wrapper) return;
      const [, rows, columns] = this.shapes[layer];
      const place = wrapper.getBoundingClientRect();
      const row = Math.floor(((event.clientY - place.top) / place.height) * rows);
      const column = Math.floor(((event.clientX - place.left) / place.width) * columns);
      this.choose({ layer, map: Number(wrapper.dataset.map), row: within(row, rows), column: within(column, columns) });
    };
    strip.addEventListener("pointermove", point);
    strip.addEventListener("pointerdown", point);
    strip.addEventListener("focus", () => this.enter(layer));
    strip.addEventListener("keydown", (event) => {
      if (!(event.key in ARROWS)) return;
      event.preventDefault();
      this.enter(layer); // the mouse may have chosen elsewhere meanwhile
      this.choose(this.moved(...ARROWS[event.key]));
    });
  }

  /** Choose the middle of a layer's first map, unless the chosen unit is of that layer. */
  enter(layer) {
    if (this.unit?.layer === layer) return;
    const [, rows, columns] = this.shapes[layer];
    this.choose({ layer, map: 0, row: Math.floor(rows / 2), column: Math.floor(columns / 2) });
  }

  /** The unit beside the chosen one; over the edge of a map lies the next map. */
  moved(across, down) {
    const { layer, map, row, column } = this.unit;
    const [maps, rows, columns] = this.shapes[layer];
    const next = within(map + Math.floor((column + across) / columns), maps);
    const stays = next === map;
    return {
      layer,
      map: next,
      row: within(row + down, rows),
      column: stays ? within(column + across, columns) : (column + across + columns) % columns,
    };
  }

  /** Show an answer: `frame` is the input's 784 bytes, `layers` as the service sends them. */
  show(frame, layers, probabilities) {
    const [shapes, bytes] = [{ input: SHAPES.input }, { input: frame }];
    for (const [name, { shape, data }] of Object.entries(layers)) {
      shapes[name] = shape.length === 3 && shape[1] > 1 ? shape : flat(shape);
      bytes[name] = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    }
    shapes.output = SHAPES.output;
    bytes.output = Uint8Array.from(probabilities, (probability) => Math.round(127.5 + 127.5 * probability));
    this.bytes = bytes;
    if (JSON.stringify(shapes) !== JSON.stringify(this.shapes)) {
      this.unit = null; // it may not exist in another network
      this.build(shapes);
    }
    this.repaint();
  }

  clear() {
    this.bytes = Object.fromEntries(
      Object.entries(this.shapes).map(([name, [maps, rows, columns]]) => {
        return [name, new Uint8Array(maps * rows * columns).fill(name === "input" ? 0 : 128)];
      }),
    );
    this.choose(null);
    this.repaint();
  }

  recolour() {
    this.palette = signedPalette();
    this.repaint();
  }

  repaint() {
    for (const [name, { canvases }] of Object.entries(this.rows)) {
      canvases.forEach((canvas, map) => paint(canvas, this.mapBytes(name, map), this.paletteOf(name)));
    }
    this.unitView.show(this.unit);
  }

  mapBytes(layer, map) {
    const [, rows, columns] = this.shapes[layer];
    return this.bytes[layer].subarray(map * rows * columns, (map + 1) * rows * columns);
  }

  paletteOf(layer) {
    return layer === "input" ? GREY : this.palette;
  }

  choose(unit) {
    if (JSON.stringify(unit) === JSON.stringify(this.unit)) return;
    this.unit = unit;
    this.mark();
    this.unitView.show(this.unit);
  }

  /** Frame the unit, what it sees one layer below, and what it sees of the input. */
  mark() {
    for (const mark of this.marks) mark.remove();
    this.marks = [];
    if (!this.unit) return;
    const { layer, map, row, column } = this.unit;
    const box = [row, column, 1, 1];
    this.markBox(layer, map, box);
    const below = seenBelow(layer, map, box, this.shapes);
    if (!below) return;
    const maps = below.map === null ? this.rows[below.layer].wrappers.keys() : [below.map];
    for (const seen of maps) this.markBox(below.layer, seen, below.box);
    if (below.layer !== "input") this.markBox("input", 0, seenInInput(layer, box, this.shapes));
  }

  markBox(layer, map, [top, left, height, width]) {
    const [, rows, columns] = this.shapes[layer];
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.style.top = `${(top / rows) * 100}%`;
    mark.style.left = `${(left / columns) * 100}%`;
    mark.style.height = `${(height / rows) * 100}%`;
    mark.style.width = `${(width / columns) * 100}%`;
    this.rows[layer].wrappers[map].append(mark);
    this.marks.push(mark);
  }
}

function buildMap(map, rows, columns) {
  const wrapper = document.createElement("div");
  wrapper.className = "map";
  wrapper.dataset.map = map;
  wrapper.append(newCanvas(columns, rows));
  return wrapper;
}

function buildLabel(name, size) {
  const label = document.createElement("div");
  const [title, words] = [document.createElement("b"), document.createElement("small")];
  title.textContent = titleOf(name);
  words.append(size, document.createElement("br"), KINDS[name]);
  label.append(title, " ", words);
  return label;
}

function buildNames() {
  const names = document.createElement("div");
  names.className = "names";
  for (let digit = 0; digit < 10; digit++) {
    names.append(Object.assign(document.createElement("span"), { textContent: digit }));
  }
  return names;
}

function sizeWords(maps, rows, columns) {
  if (maps > 1) return `${maps} maps of ${rows}×${columns}`;
  return rows === columns ? `${rows}×${columns}` : `${rows * columns} units`;
}

/** Units without places, [n] or [n, 1, 1], as three rows. */
function flat([units]) {
  return units % 3 ? [1, 1, units] : [1, 3, units / 3];
}

function within(number, size) {
  return Math.min(Math.max(number, 0), size - 1);
}
