// @ts-check
// Keys of a page: one letter each, and none while somebody writes.

const KEYS = /** @type {Readonly<Record<string, string>>} */ ({
  n: '[data-opens="note"]',
  m: '[data-opens="message"]',
  c: '[data-opens="chat"]',
  h: '[data-opens="history"]',
  z: "[data-undo]:not([hidden]) [data-undo-now]",
});

document.addEventListener("keydown", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  if (target.closest("input, textarea, select, [contenteditable=true], dialog[open]")) return;
  const button = document.querySelector(KEYS[event.key] ?? ":not(*)");
  if (button instanceof HTMLElement) {
    event.preventDefault(); // the letter is not for the editor that opens
    button.click();
  }
});
