// Digits to try: one sprite of real ones, behind buttons that the arrow keys move between.

import { newCanvas } from "./palette.js";

/** `chosen` is given a picture for the sheet. Returns how to show which one lies there, null where none does. */
export async function buildGallery(chosen) {
  const [gallery, sprite] = await Promise.all([
    fetch("page/gallery.json").then((response) => response.json()),
    loadImage("page/gallery.png"),
  ]);
  const buttons = gallery.labels.map((_, index) => buildButton(gallery, index));
  buttons.forEach((button, index) => {
    button.addEventListener("click", async () => chosen(await cutOut(gallery, sprite, index)));
  });
  fill(document.getElementById("typical"), buttons.slice(0, gallery.typical));
  fill(document.getElementById("hardest"), buttons.slice(gallery.typical));
  return (picture) => buttons.forEach((button, index) => button.setAttribute("aria-pressed", picture?.index === index));
}

export function loadImage(source) {
  const image = new Image();
  image.src = source;
  return image.decode().then(() => image);
}

function buildButton({ columns, labels, indexes }, index) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", `${labels[index]}, number ${indexes[index]}`);
  button.setAttribute("aria-pressed", "false");
  const [row, rows] = [Math.floor(index / columns), Math.ceil(labels.length / columns)];
  button.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  button.style.backgroundPosition = `${((index % columns) / (columns - 1)) * 100}% ${(row / (rows - 1)) * 100}%`;
  return button;
}

/** One stop of the Tab key for all of them; arrow keys and Home move within. */
function fill(toolbar, buttons) {
  toolbar.append(...buttons);
  buttons.forEach((button, index) => (button.tabIndex = index ? -1 : 0));
  toolbar.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const columns = getComputedStyle(toolbar).gridTemplateColumns.split(" ").length;
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at };
    const next = buttons[at + moves[event.key]];
    if (!next) return;
    event.preventDefault();
    buttons[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

/** A digit as a picture for the sheet: the bytes that MNIST has, shown as dark ink so that one can draw on. */
async function cutOut({ size, columns, labels }, sprite, index) {
  const [left, top] = [(index % columns) * size, Math.floor(index / columns) * size];
  const [sent, image] = [newCanvas(size, size), newCanvas(size, size)];
  sent.getContext("2d").drawImage(sprite, left, top, size, size, 0, 0, size, size);
  const context = image.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, size, size);
  context.globalCompositeOperation = "difference";
  context.drawImage(sent, 0, 0);
  const blob = await toPng(sent);
  return { blob, image, label: labels[index], index, name: null };
}

export function toPng(canvas) {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
