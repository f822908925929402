// The dialog that asks for the API key. What is typed is handed on and forgotten.

/** Resolves to the key, or to null where none is given. */
export function askForKey(wrong) {
  const dialog = document.getElementById("key-dialog");
  const input = document.getElementById("key");
  document.getElementById("key-note").textContent = wrong
    ? "The service did not take that key."
    : "It is kept in memory until you leave the page.";
  input.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    let given = null;
    const controls = new AbortController();
    const listen = (element, name, heard) => element.addEventListener(name, heard, { signal: controls.signal });
    listen(document.getElementById("key-form"), "submit", () => (given = input.value.trim()));
    listen(document.getElementById("key-cancel"), "click", () => dialog.close());
    listen(dialog, "close", () => {
      controls.abort();
      input.value = "";
      resolve(given || null);
    });
  });
}
