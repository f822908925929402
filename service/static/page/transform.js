// What makes a digit harder to read: noise, turning, size, place, stroke width. Done here, to what is sent.

import { SIDE } from "./drawing.js";
import { newCanvas } from "./palette.js";

const GRAIN = 5; // units of the sheet to a grain of noise: half a pixel of the network, or averaging would remove it
const SLIDERS = [
  { name: "noise", label: "Noise", min: 0, max: 100, neutral: 0, unit: " %" },
  { name: "rotation", label: "Rotation", min: -180, max: 180, neutral: 0, unit: "°" },
  { name: "scale", label: "Scale", min: 20, max: 150, neutral: 100, unit: " %" },
  { name: "across", label: "Shift across", min: -120, max: 120, neutral: 0, unit: " px" },
  { name: "down", label: "Shift down", min: -120, max: 120, neutral: 0, unit: " px" },
  { name: "stroke", label: "Stroke width", min: -10, max: 10, neutral: 0, unit: " px" },
];

/** Build the sliders. Returns how things stand: `settings`, and `neutral` while nothing is disturbed. */
export function buildSliders(container, reset, changed) {
  const settings = Object.fromEntries(SLIDERS.map(({ name, neutral }) => [name, neutral]));
  const shows = SLIDERS.map((slider) => buildSlider(container, slider, settings, changed));
  reset.addEventListener("click", () => {
    for (const { name, neutral } of SLIDERS) settings[name] = neutral;
    for (const show of shows) show();
    changed();
  });
  return {
    settings,
    get neutral() {
      return SLIDERS.every(({ name, neutral }) => settings[name] === neutral);
    },
  };
}

function buildSlider(container, { name, label, min, max, unit }, settings, changed) {
  const row = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "range", id: name, min, max });
  const value = Object.assign(document.createElement("span"), { className: "value", ariaHidden: "true" });
  row.className = "slider";
  row.append(label, input, value);
  container.append(row);

  const show = () => {
    input.value = settings[name];
    value.textContent = `${settings[name]}${unit}`.replace("-", "−");
    input.setAttribute("aria-valuetext", value.textContent);
  };
  input.addEventListener("input", () => {
    settings[name] = input.valueAsNumber;
    show();
    changed();
  });
  show();
  return show;
}

/** Draw the sheet, disturbed, into `target`. */
export function disturb(target, sheet, settings) {
  const context = target.getContext("2d", { willReadFrequently: true });
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, SIDE, SIDE);
  context.translate(SIDE / 2 + settings.across, SIDE / 2 + settings.down);
  context.rotate((settings.rotation * Math.PI) / 180);
  context.scale(settings.scale / 100, settings.scale / 100);
  context.drawImage(settings.stroke ? widened(sheet, settings.stroke) : sheet, -SIDE / 2, -SIDE / 2, SIDE, SIDE);
  if (settings.noise) addNoise(context, settings.noise / 100);
}

/** The sheet with its dark strokes wider by `pixels`, or thinner: the darkest, or lightest, of copies around it. */
function widened(sheet, pixels) {
  const canvas = newCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d");
  context.drawImage(sheet, 0, 0, SIDE, SIDE);
  context.globalCompositeOperation = pixels > 0 ? "darken" : "lighten";
  for (const radius of [Math.abs(pixels) / 4, Math.abs(pixels) / 2]) {
    for (let turn = 0; turn < 2 * Math.PI; turn += Math.PI / 8) {
      context.drawImage(sheet, radius * Math.cos(turn), radius * Math.sin(turn), SIDE, SIDE);
    }
  }
  return canvas;
}

/** Less contrast and more grain. The grain is always the same, so that the answer does not flicker. */
function addNoise(context, amount) {
  const image = context.getImageData(0, 0, SIDE, SIDE);
  const { data } = image;
  for (let index = 0; index < SIDE * SIDE; index++) {
    const [row, column] = [Math.floor(index / SIDE), index % SIDE];
    const grain = NOISE[Math.floor(row / GRAIN) * (SIDE / GRAIN) + Math.floor(column / GRAIN)];
    for (let channel = 0; channel < 3; channel++) {
      const at = 4 * index + channel;
      data[at] = 128 + (data[at] - 128) * (1 - 0.6 * amount) + 150 * amount * grain; // clamped by the array
    }
  }
  context.putImageData(image, 0, 0);
}

/** Numbers from -1 to 1 of a small generator with a fixed seed. */
const NOISE = Float32Array.from({ length: (SIDE / GRAIN) ** 2 }, ((seed) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
  return seed / 2 ** 31;
})(1998));
