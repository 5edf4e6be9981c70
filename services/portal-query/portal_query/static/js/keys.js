// @ts-check
// Keys of a page: one letter each, and none while somebody writes.

import { show, take } from "./dialog.js";

const KEYS = /** @type {Readonly<Record<string, string>>} */ ({
  n: '[data-opens="note"]:not([hidden])',
  m: '[data-opens="message"]:not([hidden])',
  c: '[data-opens="chat"]:not([hidden])',
  h: '[data-opens="history"]',
  z: "[data-undo]:not([hidden]) [data-undo-now]:not(:disabled)",
});

document.addEventListener("keydown", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  if (target.closest("input, textarea, select, [contenteditable=true], dialog[open]")) return;
  if (event.key === "?") return help();
  if (localStorage.getItem("keys") === "off") return;
  if (event.key === "j" || event.key === "k") return move(event.key === "j" ? 1 : -1);
  const button = document.querySelector(KEYS[event.key] ?? ":not(*)");
  if (button instanceof HTMLElement) {
    event.preventDefault(); // the letter is not for the editor that opens
    button.click();
  }
});

document.querySelector('[data-opens="keys"]')?.addEventListener("click", help);

/** To the entry below or above. @param {number} step */
function move(step) {
  const entries = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("main article.entry")]);
  const at = entries.findIndex((each) => each.contains(document.activeElement));
  entries[at < 0 ? 0 : Math.min(Math.max(at + step, 0), entries.length - 1)]?.focus();
}

function help() {
  const dialog = take("keys");
  const on = /** @type {HTMLInputElement} */ (dialog.querySelector("[data-keys-on]"));
  on.checked = localStorage.getItem("keys") !== "off";
  on.onchange = () => localStorage.setItem("keys", on.checked ? "on" : "off");
  show(dialog);
}
