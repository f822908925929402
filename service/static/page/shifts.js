// The article's point, played: shift the digit step by step and watch the answer hold.

import { percent } from "./answer.js";
import { inferFrames, pause, predictMany } from "./client.js";
import { toPng } from "./gallery.js";
import { GREY, newCanvas, paint } from "./palette.js";

const SIZE = 28;
const REACH = 10; // pixels to either side: half of the digit is then outside
const STEPS = Array.from({ length: 2 * REACH + 1 }, (_, index) => index - REACH);
const ENLARGED = 4; // times, for framing, which is made for pictures rather than frames
const STEP_MILLISECONDS = 120;

export class ShiftsView {
  constructor(fail) {
    this.button = document.getElementById("play");
    this.steps = document.getElementById("steps");
    this.held = document.getElementById("held");
    this.frame = null;
    this.button.addEventListener("click", () => this.play().catch((problem) => fail(problem.message)));
    this.use(null, null);
  }

  /** What the network saw last, and what it said; null where there is nothing to shift. */
  use(frame, digit) {
    [this.frame, this.digit] = [frame, digit];
    this.button.disabled = digit === null;
  }

  async play() {
    const { frame, digit } = this;
    const frames = STEPS.map((step) => shifted(frame, step));
    const sheets = STEPS.map((step) => widerSheet(frame, step));
    const [bare, framed] = await Promise.all([inferFrames(frames), predictFramed(sheets)]);
    const rows = [
      buildRow("As the network gets it, shifted by so many pixels, without framing", frames.map(toCanvas), bare, digit),
      buildRow("The same shifts on a wider sheet, framed first", sheets, framed, digit),
    ];
    this.held.textContent = "";
    this.steps.replaceChildren(...rows.map(({ row }) => row));
    await reveal(rows);
    if (rows.some(({ row }) => !row.isConnected)) return; // played again meanwhile
    this.held.textContent = `${heldWords(bare, digit)} ${framedWords(framed, digit)}`;
  }
}

async function predictFramed(sheets) {
  const predictions = await predictMany(await Promise.all(sheets.map(toPng)));
  return predictions.map(({ probabilities }) => probabilities ?? Array(10).fill(0.1));
}

function buildRow(title, canvases, answers, digit) {
  const row = document.createElement("div");
  row.className = "row";
  const words = Object.assign(document.createElement("p"), { textContent: title });
  const cells = document.createElement("div");
  cells.className = "cells";
  cells.append(...canvases.map((canvas, index) => buildCell(canvas, STEPS[index], answers[index], digit)));
  row.append(words, cells);
  return { row, cells: [...cells.children] };
}

/** One step after the other, from the middle outwards; all at once for who wants no motion. */
async function reveal(rows) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (let distance = 0; distance <= REACH; distance++) {
    for (const { cells } of rows) {
      for (const index of [REACH - distance, REACH + distance]) cells[index].classList.add("shown");
    }
    if (!still) await pause(STEP_MILLISECONDS);
  }
}

function buildCell(canvas, step, probabilities, digit) {
  const cell = document.createElement("div");
  const said = best(probabilities);
  cell.className = `cell ${said === digit ? "held" : "lost"}`;
  const [answer, where] = [document.createElement("b"), document.createElement("small")];
  answer.textContent = said;
  where.textContent = signed(step);
  cell.title = `${signed(step)}: ${said}, ${percent(probabilities[said])}`;
  cell.append(canvas, answer, where);
  return cell;
}

/** How far to either side the answer holds without a gap. */
function heldWords(answers, digit) {
  const held = (step) => best(answers[step + REACH]) === digit;
  let [left, right] = [0, 0];
  while (left > -REACH && held(left - 1)) left--;
  while (right < REACH && held(right + 1)) right++;
  return `The bare network says ${digit} from ${signed(left)} to ${signed(right)} pixels.`;
}

function framedWords(answers, digit) {
  const right = answers.filter((probabilities) => best(probabilities) === digit).length;
  return `Framed first, it says ${digit} at ${right} of ${answers.length} places.`;
}

/** A frame moved to the right by `step` pixels; what leaves it is lost. */
function shifted(frame, step) {
  return Uint8Array.from(frame, (_, index) => {
    const column = (index % SIZE) - step;
    return column < 0 || column >= SIZE ? 0 : frame[index - step];
  });
}

/** The frame on a sheet with room for every step, as a picture. */
function widerSheet(frame, step) {
  const sheet = newCanvas((SIZE + 2 * REACH) * ENLARGED, SIZE * ENLARGED);
  const context = sheet.getContext("2d");
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(toCanvas(frame), (REACH + step) * ENLARGED, 0, SIZE * ENLARGED, SIZE * ENLARGED);
  return sheet;
}

function toCanvas(frame) {
  const canvas = newCanvas(SIZE, SIZE);
  paint(canvas, frame, GREY);
  return canvas;
}

function best(probabilities) {
  return probabilities.indexOf(Math.max(...probabilities));
}

function signed(step) {
  return step > 0 ? `+${step}` : String(step).replace("-", "−");
}
