// @ts-check
// A dialog that one writes in. It is in the page while it is open; what was written stays in it meanwhile and after.

/** @type {Map<string, HTMLDialogElement>} */
const taken = new Map();
const TEXTS = ".editor-text, textarea";

/**
 * @param {string} name @param {string} [about] where what is written is about one of many things, each has its own
 * @returns {HTMLDialogElement} the page's dialog of this name, not yet in it
 */
export function take(name, about = "") {
  const known = taken.get(`${name} ${about}`);
  if (known) return known;
  const template = /** @type {HTMLTemplateElement} */ (document.querySelector(`template[data-dialog="${name}"]`));
  const dialog = /** @type {HTMLDialogElement} */ (document.importNode(template.content, true).querySelector("dialog"));
  for (const way of ["cancel", "submit"]) {
    dialog.addEventListener(way, (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      close(dialog);
    });
  }
  dialog.addEventListener("close", () => dialog.open || leave(dialog)); // told late, and where the browser did it: it may be open again
  taken.set(`${name} ${about}`, dialog);
  return dialog;
}

/** What was written in it is done with. @param {string} name @param {string} about */
export function forget(name, about) {
  taken.delete(`${name} ${about}`);
}

/** @param {HTMLDialogElement} dialog */
export function show(dialog) {
  if (dialog.open) return;
  document.querySelector("main")?.append(dialog);
  dialog.showModal();
}

/**
 * Off the page at once: a dialog that is only shut keeps the focus in it until the next frame, and takes keys as if it
 * were written in. The focus is where it was before.
 * @param {HTMLDialogElement} dialog
 */
export function close(dialog) {
  dialog.close();
  leave(dialog);
}

/** @param {HTMLDialogElement} dialog */
function leave(dialog) {
  if (!dialog.isConnected) return;
  dialog.remove();
  document.dispatchEvent(new Event("relato:closed"));
}

/** All dialogs of the page, also those that nobody has opened yet. @returns {HTMLElement[]} */
export function everyDialog() {
  const templates = /** @type {NodeListOf<HTMLTemplateElement>} */ (document.querySelectorAll("template[data-dialog]"));
  return [...[...templates].flatMap(({ content }) => [...content.querySelectorAll("dialog")]), ...taken.values()];
}

/** @param {Element} within @returns {boolean} whether there is text that nobody has sent */
export function isWrittenIn(within) {
  return [...within.querySelectorAll(TEXTS)].some(isFilled);
}

/**
 * Whether somebody writes on this page, or has written what would be lost with it.
 * @param {HTMLDialogElement} [but] what is written in it is kept elsewhere
 */
export function isWriting(but) {
  const writing = [...document.querySelectorAll(`dialog[open], [data-unsaved], ${TEXTS}`)];
  if (writing.some((each) => !but?.contains(each) && (!each.matches(TEXTS) || isFilled(each)))) return true;
  return [...taken.values()].some((each) => each !== but && each.matches("[data-unsaved], :has([data-unsaved])"));
}

/** @param {Element} text */
function isFilled(text) {
  return (text instanceof HTMLTextAreaElement ? text.value : (text.textContent ?? "")).trim() !== "";
}

/** Whether a dialog holds what is kept nowhere else; of what has a draft its form alone says that it is not saved yet. */
export function holdsUnsaved() {
  return [...taken.values()].some((each) => "unsaved" in each.dataset);
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
