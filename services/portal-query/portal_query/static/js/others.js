// @ts-check
// Shows who else is there. Each part of what comes stands once on the page: that somebody writes, where one looks.

/** What was last said, by its part; it may be in a dialog that has left the page since. @type {Map<string, HTMLElement>} */
const parts = new Map();
const PLACES = ["dialog[open]", "[data-open]", ":root"];

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (!("presence" in target.dataset)) return;
  event.preventDefault();
  const template = document.createElement("template");
  template.innerHTML = /** @type {CustomEvent<MessageEvent<string>>} */ (event).detail.data; // ours, as the page is
  for (const part of parts.values()) part.remove();
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (template.content.querySelectorAll("[data-part]"))) {
    parts.set(part.dataset.part ?? "", part);
    put(part);
  }
});

// The part moves to where one looks when something opens or shuts.
new MutationObserver(() => {
  const part = parts.get("writing");
  if (part) put(part);
}).observe(document.body, { attributes: true, subtree: true, attributeFilter: ["open", "data-open"] });

/** @param {HTMLElement} part */
function put(part) {
  const name = part.dataset.part;
  for (const within of PLACES) {
    const place = document.querySelector(`${within} [data-shows="${name}"]`);
    if (place) return void place.append(part);
  }
}
