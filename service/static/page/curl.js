// The last question, as a command for a terminal.

import { hasKey } from "./client.js";

const LONGEST = 48 * 1024; // bytes of a file that travels within the command

/** Wire the button. `asked` gives the picture that would be sent now, or null; its `name` is null where it is no file. */
export function listenToCurl(asked) {
  const command = document.getElementById("command");
  const said = document.getElementById("copied");
  document.getElementById("curl").addEventListener("click", async () => {
    const picture = await asked();
    if (!picture) {
      said.textContent = "Draw a digit first.";
      return;
    }
    try {
      command.value = await toCommand(picture);
    } catch {
      said.textContent = "The file can no longer be read.";
      return;
    }
    command.hidden = false;
    said.textContent = (await copy(command)) ? "Copied." : "Selected: copy it with Control C.";
  });
}

async function toCommand({ blob, name }) {
  const address = new URL("predict", location.href).href;
  const key = hasKey() ? ' -H "Authorization: Bearer $LENET_API_KEY"' : "";
  if (name && blob.size > LONGEST) return `curl -s${key} --data-binary @${quoted(name)} ${quoted(address)}`;
  return `printf %s ${quoted(await toBase64(blob))} | base64 -d | curl -s${key} --data-binary @- ${quoted(address)}`;
}

/** The clipboard is only there on HTTPS and localhost. */
async function copy(textarea) {
  try {
    await navigator.clipboard.writeText(textarea.value);
    return true;
  } catch {
    textarea.focus();
    textarea.select();
    return false;
  }
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function toBase64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
