// Wires the page: whatever changes what would be sent asks for the answer, and the answer is shown.

import { AnswerView } from "./answer.js";
import { Problem, askAgain, describeModel, latestWins, predict, useKeysOf } from "./client.js";
import { listenToCurl } from "./curl.js";
import { Sheet, listenToKeys, listenToPointer } from "./drawing.js";
import { buildGallery, loadImage, toPng } from "./gallery.js";
import { askForKey } from "./key.js";
import { LayersView } from "./layers.js";
import { newCanvas } from "./palette.js";
import { ShiftsView } from "./shifts.js";
import { listenToSources } from "./sources.js";
import { buildSliders, disturb } from "./transform.js";

const PAUSE_MILLISECONDS = 50; // between two questions while drawing: twenty a second are plenty
const MOST_BYTES = 10 * 1024 * 1024; // above, the sheet's copy is sent instead of the file

const byId = (id) => document.getElementById(id);
const answer = new AnswerView();
const layers = new LayersView();
const shifts = new ShiftsView((words) => answer.showProblem(words));
const sheet = new Sheet(byId("pad"), changed);
const sliders = buildSliders(byId("sliders"), byId("reset"), changed);
const sent = byId("sent");
const sheetSent = newCanvas(sent.width, sent.height);
const ask = latestWins(answerNow, PAUSE_MILLISECONDS, () => (answer.busy = false));
let include = "input,layers";
let markInGallery = () => {};

/** Something else would be sent than was. */
function changed() {
  byId("undo").disabled = !sheet.undoable;
  byId("clear").disabled = sheet.empty;
  showHint();
  markInGallery(sheet.untouched);
  answer.busy = true;
  ask();
}

function showHint() {
  const unseen = sheet.untouched && !sheet.untouched.image;
  byId("hint").hidden = !sheet.empty && !unseen;
  byId("hint").textContent = unseen ? "This browser cannot show the format" : "Draw a digit here";
}

async function answerNow() {
  answer.growOld();
  byId("enter-key").hidden = true;
  try {
    const picture = await pictureToSend();
    if (picture) await showAnswer(await predictWithLayers(picture.blob), picture.label);
    else showNothing();
  } catch (error) {
    showNothing();
    byId("enter-key").hidden = error.status !== 401;
    answer.showProblem(error instanceof Problem ? error.message : "This page failed; load it again.");
    if (!(error instanceof Problem)) console.error(error);
  }
}

function showNothing() {
  answer.clear();
  layers.clear();
  shifts.use(null, null);
}

async function showAnswer(prediction, label) {
  const frame = await pixelsOf(prediction.input);
  answer.show(prediction, label);
  if (prediction.layers) layers.show(frame, prediction.layers, prediction.probabilities);
  shifts.use(frame, prediction.digit);
}

/** A model may be served without its layers file; then the page does without. */
async function predictWithLayers(blob) {
  try {
    return await predict(blob, include);
  } catch (problem) {
    if (problem.status !== 422 || include === "input" || !problem.message.includes("include=layers")) throw problem;
    include = "input";
    byId("network").hidden = true;
    return predict(blob, include);
  }
}

/** What would be sent now: the brought file itself where nothing was done to it, else the sheet as it looks. */
async function pictureToSend() {
  sheet.flush();
  const { untouched } = sheet;
  sent.hidden = sliders.neutral || sheet.empty || untouched?.image === null;
  if (sheet.empty) return null;
  const label = untouched?.label ?? null;
  if (untouched?.image === null) return untouched;
  if (untouched && sliders.neutral && untouched.blob.size <= MOST_BYTES) return untouched;
  const target = sliders.neutral ? sheetSent : sent;
  disturb(target, sheet.canvas, sliders.settings);
  return { blob: await toPng(target), label, name: null };
}

/** A data URI's 28×28 levels. */
async function pixelsOf(uri) {
  const image = await loadImage(uri);
  const context = newCanvas(image.width, image.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return Uint8Array.from({ length: data.length / 4 }, (_, index) => data[4 * index]);
}

function listenToTools() {
  const setErasing = (erasing) => {
    sheet.erasing = erasing;
    byId("pen").setAttribute("aria-pressed", !erasing);
    byId("eraser").setAttribute("aria-pressed", erasing);
  };
  byId("pen").addEventListener("click", () => setErasing(false));
  byId("eraser").addEventListener("click", () => setErasing(true));
  byId("brush").addEventListener("input", (event) => (sheet.brush = event.target.valueAsNumber));
  byId("undo").addEventListener("click", () => sheet.undo());
  byId("clear").addEventListener("click", () => sheet.clear());
  document.addEventListener("keydown", (event) => {
    const undoes = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === "z";
    if (!undoes || event.target.closest("textarea, dialog")) return;
    event.preventDefault();
    sheet.undo();
  });
}

useKeysOf(askForKey);
byId("enter-key").addEventListener("click", () => {
  askAgain();
  changed();
});
listenToPointer(sheet);
listenToKeys(sheet, byId("cursor"));
listenToTools();
listenToSources((picture) => sheet.lay(picture), (words) => answer.showProblem(words));
listenToCurl(pictureToSend);
changed();

// Asked first thing, so that the key, where one is needed, is asked for before anything is drawn.
describeModel().then(
  ({ name, version }) => (byId("model").textContent = `Served: ${name} ${version}.`),
  () => {}, // the first drawing will say what is wrong
);
markInGallery = await buildGallery((picture) => sheet.lay(picture));
