// The answer, in words and bars.

const REASONS = {
  low_confidence: "Not accepted: it is not sure enough.",
  not_a_digit: "Not accepted: this does not look like a digit.",
  blank: "There is no ink to read.",
  several_digits: "Not accepted: there seem to be several digits.",
};
const WARNINGS = {
  uneven_light: "The light is uneven.",
  low_contrast: "There is little contrast.",
  low_resolution: "The digit has few pixels.",
  thin_strokes: "Thin strokes were widened.",
  touches_border: "The ink touches the border.",
  several_parts: "The ink is in several parts.",
};
const WAITING = "Draw a digit, bring a picture, or pick one from the gallery.";

export class AnswerView {
  constructor() {
    this.region = document.getElementById("answer");
    this.digit = document.getElementById("digit");
    this.words = document.getElementById("words");
    this.truth = document.getElementById("truth");
    this.saw = document.getElementById("saw");
    this.framing = document.getElementById("framing");
    this.bars = Array.from({ length: 10 }, (_, digit) => buildBar(digit));
    document.getElementById("bars").append(...this.bars.map(({ item }) => item));
    this.clear();
  }

  /** While busy, nothing is read out; what stands there is of an older drawing. */
  set busy(busy) {
    this.region.setAttribute("aria-busy", busy);
  }

  /** Another answer is asked for: should that take long, this one looks like what it is. */
  growOld() {
    this.region.classList.add("stale");
  }

  clear() {
    this.say("", WAITING, false);
    this.showBars(Array(10).fill(0), null);
    this.saw.hidden = true;
    this.framing.replaceChildren(listItem("Nothing yet."));
  }

  /** `label`: what the picture is known to show, null where nobody knows. */
  show(prediction, label) {
    const { digit, confidence, accepted, reason } = prediction;
    const judged = accepted ? "Accepted." : (REASONS[reason] ?? reason);
    this.say(digit ?? "–", digit === null ? judged : `${judged} ${percent(confidence)} sure.`, accepted);
    write(this.truth, label === null ? "" : `Its label is ${label}.`);
    this.showBars(prediction.probabilities, digit);
    this.saw.src = prediction.input;
    this.saw.hidden = false;
    this.framing.replaceChildren(...framingWords(prediction.preprocessing).map(listItem));
  }

  showProblem(words) {
    this.clear();
    this.say("", words, false);
  }

  say(digit, words, good) {
    this.region.classList.remove("stale");
    write(this.digit, String(digit));
    write(this.words, words);
    write(this.truth, "");
    this.words.classList.toggle("good", good);
  }

  showBars(probabilities, best) {
    for (const [digit, { item, fill, label }] of this.bars.entries()) {
      fill.style.transform = `scaleX(${probabilities[digit]})`;
      write(label, percent(probabilities[digit]));
      item.classList.toggle("best", digit === best);
    }
  }
}

function buildBar(digit) {
  const item = document.createElement("li");
  const [name, track, fill, label] = Array.from({ length: 4 }, () => document.createElement("span"));
  name.textContent = digit;
  track.className = "track";
  fill.className = "fill";
  label.className = "percent";
  track.append(fill);
  item.append(name, track, label);
  return { item, fill, label };
}

/** What framing did to the picture, one sentence each. */
function framingWords({ inverted, rotated, box, warnings }) {
  const words = [];
  if (rotated) words.push(`Turned by ${rotated}°, as the camera noted.`);
  if (inverted) words.push("Dark ink on light was made light on dark.");
  if (box) words.push(boxWords(box));
  return [...words, ...warnings.map((warning) => WARNINGS[warning] ?? warning)];
}

function boxWords([left, top, right, bottom]) {
  const [width, height] = [right - left, bottom - top];
  if (left === 0 && top === 0 && width === 28 && height === 28) return "Taken as it is: already framed as MNIST’s are.";
  return `The ink, ${width}×${height} pixels, was scaled to 20 and its mass moved to the middle.`;
}

function listItem(words) {
  const item = document.createElement("li");
  item.textContent = words;
  return item;
}

/** Leave alone what does not change: screen readers read out whatever is written. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Rounded down, so that only certainty is 100 %. */
export function percent(probability) {
  return `${(Math.floor(probability * 1000 + 1e-9) / 10).toFixed(1)} %`;
}
