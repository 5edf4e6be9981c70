// @ts-check
// What is said stands where one looks: in the dialog that is open, else in the chat's panel, else on the page.
// What lies behind a dialog can be neither pressed nor heard.

/** Of several dialogs the last one is uppermost. */
const PLACES = ["dialog[open]:not(:has(~ dialog[open]))", "[data-open]:not([hidden])", ":root"];
/** What is said, by the name of its places; it may be in a dialog that has left the page since. @type {Map<string, HTMLElement>} */
const parts = new Map();

// It moves when something opens or shuts.
new MutationObserver(() => parts.forEach(move)).observe(document.body, {
  attributes: true, subtree: true, attributeFilter: ["open", "data-open", "hidden"],
});

/** Instead of what was there by this name. @param {string} name @param {HTMLElement} part */
export function put(name, part) {
  const before = parts.get(name);
  if (before !== part) before?.remove();
  parts.set(name, part);
  move(part, name);
}

/** @param {HTMLElement} part @param {string} name */
function move(part, name) {
  for (const within of PLACES) {
    const place = document.querySelector(`${within} [data-shows="${name}"]`);
    if (place && part.parentElement !== place) place.append(part);
    if (place) return;
  }
}
