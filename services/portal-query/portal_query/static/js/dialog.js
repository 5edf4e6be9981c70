// @ts-check
// A dialog that one writes in. It is in the page while it is open; what was written stays in it meanwhile and after.

/** @type {Map<string, HTMLDialogElement>} */
const taken = new Map();

/** @param {string} name @returns {HTMLDialogElement} the page's dialog of this name, not yet in it */
export function take(name) {
  const known = taken.get(name);
  if (known) return known;
  const template = /** @type {HTMLTemplateElement} */ (document.querySelector(`template[data-dialog="${name}"]`));
  const dialog = /** @type {HTMLDialogElement} */ (template.content.querySelector("dialog"));
  for (const way of ["cancel", "submit"]) {
    dialog.addEventListener(way, (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      close(dialog);
    });
  }
  taken.set(name, dialog);
  return dialog;
}

/** @param {HTMLDialogElement} dialog */
export function show(dialog) {
  document.querySelector("main")?.append(dialog);
  dialog.showModal();
}

/**
 * Off the page at once: a dialog that is only shut keeps the focus in it until the next frame, and takes keys as if it
 * were written in. The focus is where it was before.
 * @param {HTMLDialogElement} dialog
 */
export function close(dialog) {
  if (!dialog.open) return;
  dialog.close();
  dialog.remove();
  document.dispatchEvent(new Event("relato:closed"));
}

/** Ctrl+Enter sends, Esc closes. @param {HTMLDialogElement} dialog @param {() => Promise<void>} send @returns {HTMLFormElement} */
export function writing(dialog, send) {
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  dialog.querySelector("[data-close]")?.addEventListener("click", () => close(dialog));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send();
  });
  // Captured, since the editor would keep both keys for itself.
  form.addEventListener(
    "keydown",
    (event) => {
      const sends = event.key === "Enter" && event.ctrlKey;
      if (!sends && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      if (sends) void send();
      else close(dialog);
    },
    true,
  );
  return form;
}

/** @param {string} text what is said of something that was done */
export function announce(text) {
  const place = document.querySelector("[data-announced]");
  if (place) place.textContent = text;
}
