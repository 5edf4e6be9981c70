// @ts-check
// Says when what is new does not arrive, because the stream or the network is gone, and when it does again.

const GRACE = 1_500; // ms; a stream that ends in good order begins anew sooner

const place = /** @type {HTMLElement} */ (document.querySelector("[data-connection]"));
/** @type {EventSource | undefined} */
let source;
let timer = 0;

document.addEventListener("htmx:sseOpen", (event) => {
  source = /** @type {CustomEvent<{source: EventSource}>} */ (event).detail.source;
  back();
});
document.addEventListener("htmx:sseError", () => away(navigator.onLine ? GRACE : 0));
window.addEventListener("offline", () => away(0));
window.addEventListener("online", () => {
  if (source?.readyState === EventSource.OPEN) back(); // it outlived the network's absence
});

/** @param {number} patience ms; each failed attempt comes here, and the first one counts */
function away(patience) {
  if (patience === 0) say();
  else timer ||= window.setTimeout(say, patience);
}

function say() {
  place.textContent = place.dataset.connection ?? "";
}

function back() {
  clearTimeout(timer);
  timer = 0;
  place.textContent = "";
  document.dispatchEvent(new Event("relato:connected", { bubbles: true }));
}
