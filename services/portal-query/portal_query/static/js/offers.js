// @ts-check
// What the ticket accepts from whoever reads: the server says it, also when the ticket changes while the page is open.

/** @returns {ReadonlySet<string>} */
export function accepted() {
  const head = /** @type {HTMLElement | null} */ (document.querySelector("[data-may]"));
  return new Set(head?.dataset.may?.split(" "));
}

document.addEventListener("htmx:afterSettle", () => {
  const may = accepted();
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-needs]"))) {
    each.hidden = !may.has(each.dataset.needs ?? "");
  }
});

// What changed about the ticket itself while nobody listened is not told again.
document.addEventListener("htmx:sseOpen", () => {
  document.querySelector("[data-may]")?.dispatchEvent(new CustomEvent("stale"));
});
