// Pictures from elsewhere: uploaded, pasted, dropped, photographed.

import { newCanvas } from "./palette.js";

const SHOWN = 560; // pixels of the sheet's canvas

/** `bring` is given a picture for the sheet, `fail` words for a person. */
export function listenToSources(bring, fail) {
  const take = async (file) => bring(await toPicture(file, file.name));
  const takeNameless = async (blob) => bring(await toPicture(blob, null));
  listenToUpload(take);
  listenToPaste(takeNameless, fail);
  listenToDrop(take, fail);
  listenToCamera(takeNameless, fail);
}

/** Its own bytes are what is sent; `image` is null where the browser cannot show them, `name` where no file is there. */
async function toPicture(blob, name) {
  const image = await createImageBitmap(blob).then(shrink, () => null);
  return { blob, image, label: null, name };
}

/** As large as the sheet shows it: undo may keep many, and a phone's photo takes 100 MB. */
function shrink(bitmap) {
  const scale = Math.min(1, SHOWN / Math.max(bitmap.width, bitmap.height));
  const canvas = newCanvas(Math.max(1, bitmap.width * scale), Math.max(1, bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

function listenToUpload(take) {
  const input = document.getElementById("file");
  document.getElementById("upload").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const [file] = input.files;
    if (file) take(file);
    input.value = ""; // so that the same file can be chosen again
  });
}

function listenToPaste(take, fail) {
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.('textarea, input:not([type="range"])')) return;
    takeFirst(event.clipboardData, take, fail, "There is no picture in what was pasted.");
  });
}

function listenToDrop(take, fail) {
  const sheet = document.getElementById("sheet");
  const over = (is) => sheet.classList.toggle("over", is);
  document.addEventListener("dragover", (event) => {
    event.preventDefault(); // or the browser would leave the page for the file
    over(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    takeFirst(event.dataTransfer, take, fail, "There is no picture in what was dropped.");
  });
}

function takeFirst(transfer, take, fail, words) {
  const [file] = transfer?.files ?? [];
  if (file) take(file);
  else fail(words);
}

/** The camera in a dialog. Where the browser offers none to scripts (no HTTPS), a phone's file chooser still does. */
function listenToCamera(take, fail) {
  const dialog = document.getElementById("camera-dialog");
  const video = document.getElementById("video");
  document.getElementById("camera").addEventListener("click", async () => {
    if (!navigator.mediaDevices?.getUserMedia) {
      chooseFromCamera(take);
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (dialog.open) { // asked for twice before it was allowed
        stop(stream);
        return;
      }
      video.srcObject = stream;
      dialog.showModal();
    } catch (error) {
      const words = "The camera may not be used; upload a picture instead.";
      fail(error.name === "NotFoundError" ? "There is no camera here." : words);
    }
  });
  document.getElementById("camera-cancel").addEventListener("click", () => dialog.close());
  document.getElementById("shoot").addEventListener("click", () => {
    if (!video.videoWidth) return; // there is no picture yet
    const canvas = newCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    dialog.close();
    canvas.toBlob(take, "image/jpeg", 0.92);
  });
  dialog.addEventListener("close", () => {
    if (video.srcObject) stop(video.srcObject);
    video.srcObject = null;
  });
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function chooseFromCamera(take) {
  const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
  input.setAttribute("capture", "environment");
  input.addEventListener("change", () => input.files[0] && take(input.files[0]));
  input.click();
}
