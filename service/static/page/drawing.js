// The sheet: a picture, if one was brought, and strokes over it. What is seen on it is what is sent.

export const SIDE = 280; // the sheet's own units, ten to a pixel of the network
const INK = "#111111";
const PAPER = "#ffffff";
const STEP = 8; // how far an arrow key moves the pen
const EMPTY = { picture: null, strokes: [] };

export class Sheet {
  /** `changed` is called on every change, at once; drawing waits for the next frame. */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.context.setTransform(canvas.width / SIDE, 0, 0, canvas.height / SIDE, 0, 0);
    this.context.lineCap = this.context.lineJoin = "round";
    this.changed = changed;
    this.brush = 20;
    this.erasing = false;
    this.state = EMPTY; // never changed in place, so that `past` may keep old ones
    this.past = [];
    this.stroke = null;
    this.drawn = 0; // points of the stroke that are on the canvas already
    this.frame = 0;
    this.repaint();
  }

  get empty() {
    return this.state === EMPTY;
  }

  get undoable() {
    return this.past.length > 0;
  }

  /** The picture that was brought, as long as nothing was drawn over it. */
  get untouched() {
    return this.state.strokes.length ? null : this.state.picture;
  }

  begin(point) {
    this.stroke = { points: [point], brush: this.brush, colour: this.erasing ? PAPER : INK };
    this.drawn = 0;
    this.become({ ...this.state, strokes: [...this.state.strokes, this.stroke] });
    this.later();
  }

  extend(points) {
    this.stroke.points.push(...points);
    this.later();
    this.changed();
  }

  end() {
    this.flush();
    this.stroke = null;
  }

  /** Lay a picture on the empty sheet: `image` to draw, null where the browser cannot show its format. */
  lay(picture) {
    this.stroke = null;
    this.become({ picture, strokes: [] });
    this.repaint();
  }

  clear() {
    if (this.empty) return;
    this.stroke = null;
    this.become(EMPTY);
    this.repaint();
  }

  undo() {
    if (!this.undoable) return;
    this.stroke = null;
    this.state = this.past.pop();
    this.repaint();
    this.changed();
  }

  become(state) {
    this.past.push(this.state);
    this.state = state;
    this.changed();
  }

  later() {
    this.frame ||= requestAnimationFrame(() => this.flush());
  }

  /** Draw what the stroke has grown by. */
  flush() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (!this.stroke) return;
    drawStroke(this.context, this.stroke, this.drawn);
    this.drawn = this.stroke.points.length;
  }

  repaint() {
    this.context.fillStyle = PAPER;
    this.context.fillRect(0, 0, SIDE, SIDE);
    if (this.state.picture?.image) drawPicture(this.context, this.state.picture.image);
    for (const stroke of this.state.strokes) drawStroke(this.context, stroke, 0);
  }
}

/** Draw a stroke from its point `from` on, as curves through the middles between points. */
function drawStroke(context, { points, brush, colour }, from) {
  context.strokeStyle = colour;
  for (let index = from; index < points.length; index++) {
    const [before, last, point] = [points[Math.max(index - 2, 0)], points[Math.max(index - 1, 0)], points[index]];
    const start = index > 1 ? middle(before, last) : points[0];
    const end = middle(last, point);
    context.lineWidth = brush * point.weight;
    context.beginPath();
    context.moveTo(start.x, start.y);
    context.quadraticCurveTo(last.x, last.y, end.x, end.y);
    context.lineTo(point.x, point.y); // the next curve covers it
    context.stroke();
  }
}

function middle(one, other) {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}

/** All of a picture, as large as fits. */
function drawPicture(context, image) {
  const scale = SIDE / Math.max(image.width, image.height);
  const [width, height] = [image.width * scale, image.height * scale];
  context.imageSmoothingQuality = "high";
  context.drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
}

/** Mouse, pen and finger: the place of the canvas is asked once a stroke, so that drawing never waits for layout. */
export function listenToPointer(sheet) {
  const { canvas } = sheet;
  let place = null;
  let pointer = null;

  const toPoint = (event) => ({
    x: ((event.clientX - place.left) / place.width) * SIDE,
    y: ((event.clientY - place.top) / place.height) * SIDE,
    weight: event.pointerType === "pen" && event.pressure ? 0.5 + event.pressure : 1,
  });

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || pointer !== null) return;
    pointer = event.pointerId;
    place = canvas.getBoundingClientRect();
    canvas.setPointerCapture(pointer);
    sheet.begin(toPoint(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    if (sheet.stroke) sheet.extend((events.length ? events : [event]).map(toPoint));
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(name, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      sheet.end();
    });
  }
}

/** The keyboard's pen: the space bar puts it down and lifts it, arrow keys move it. */
export function listenToKeys(sheet, cursor) {
  const at = { x: SIDE / 2, y: SIDE / 4, weight: 1 };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  const show = () => {
    cursor.hidden = false;
    cursor.classList.toggle("down", sheet.stroke !== null);
    cursor.style.left = `${(at.x / SIDE) * 100}%`;
    cursor.style.top = `${(at.y / SIDE) * 100}%`;
  };

  sheet.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      if (!event.repeat && sheet.stroke) sheet.end();
      else if (!event.repeat) sheet.begin({ ...at });
    } else if (event.key in arrows) {
      const [across, down] = arrows[event.key];
      at.x = Math.min(Math.max(at.x + across * STEP, 0), SIDE);
      at.y = Math.min(Math.max(at.y + down * STEP, 0), SIDE);
      if (sheet.stroke) sheet.extend([{ ...at }]);
    } else return;
    event.preventDefault();
    show();
  });
  sheet.canvas.addEventListener("blur", () => {
    cursor.hidden = true;
    if (sheet.stroke) sheet.end();
  });
}
