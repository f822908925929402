// How the page asks the service: one request at a time, the key where one is needed, problems as words.

const BUSY_TRIES = 3;
const LONGEST_PAUSE_SECONDS = 5; // between them, whatever is asked for: somebody waits

let key = null; // in memory only
let askForKey = async () => null;
let asking = null;
let declined = false; // so that a dialog does not come back with every stroke

/** `ask(wrong)` gives a key, or null; `wrong` says that the last one was refused. */
export function useKeysOf(ask) {
  askForKey = ask;
}

/** Ask for the key again, though it was not given before. */
export function askAgain() {
  declined = false;
}

export function hasKey() {
  return key !== null;
}

/** What the service, or the way to it, did not do, in words for a person. */
export class Problem extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

/** One picture's answer. `include` is `input`, `layers` or both. */
export function predict(picture, include) {
  return send(`predict?include=${include}`, { method: "POST", body: picture });
}

/** Many pictures' answers, in order. */
export async function predictMany(pictures) {
  const form = new FormData();
  for (const picture of pictures) form.append("files", picture, "digit.png");
  return (await send("predict/batch", { method: "POST", body: form })).predictions;
}

/** The ten probabilities of each frame, 28×28 bytes, as it is: no framing. */
export async function inferFrames(frames) {
  const data = frames.flatMap((frame) => [...frame]);
  const inputs = [{ name: "image", datatype: "UINT8", shape: [frames.length, 28, 28], data }];
  const answer = await send("v2/models/lenet5/infer", { method: "POST", body: JSON.stringify({ inputs }) });
  const { data: flat } = answer.outputs.find(({ name }) => name === "probabilities");
  return frames.map((_, index) => flat.slice(10 * index, 10 * index + 10));
}

export function describeModel() {
  return send("v1/model", {});
}

export function describeKernels() {
  return send("v1/model/kernels", {});
}

async function send(path, options) {
  for (let tries = 1; ; tries++) {
    const used = key;
    const response = await reach(path, options, used);
    if (response.ok) return response.json().catch(unreachable);
    if (response.status === 401 && (await renewKey(used))) continue;
    if (response.status === 503 && tries < BUSY_TRIES) {
      await pause(1000 * Math.min(Number(response.headers.get("Retry-After")) || 1, LONGEST_PAUSE_SECONDS));
      continue;
    }
    if (response.status === 401) throw new Problem(401, "This service asks for a key.");
    const problem = await response.json().catch(() => ({}));
    throw new Problem(response.status, problem.detail ?? `The service answered ${response.status}.`);
  }
}

async function reach(path, options, key) {
  const headers = {};
  // A header's characters are bytes: a key beyond ASCII travels as UTF-8.
  if (key !== null) headers.Authorization = `Bearer ${String.fromCharCode(...new TextEncoder().encode(key))}`;
  return fetch(path, { ...options, headers }).catch(unreachable);
}

function unreachable() {
  throw new Problem(0, "The service does not answer. Is it running?");
}

/** Whether there is another key than the one that was refused. Who comes second waits for the same dialog. */
async function renewKey(refused) {
  if (key !== refused) return true;
  if (declined) return false;
  asking ??= askForKey(refused !== null).finally(() => (asking = null));
  const given = await asking;
  declined = given === null;
  if (!declined) key = given;
  return !declined;
}

/** Run `work` again whenever asked, never twice at once; what was asked meanwhile becomes one run. `idle`: all done. */
export function latestWins(work, pauseMilliseconds, idle) {
  let wanted = false;
  let running = false;
  return async () => {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted) {
      wanted = false;
      await work();
      if (!wanted) idle();
      await pause(pauseMilliseconds);
    }
    running = false;
  };
}

export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
