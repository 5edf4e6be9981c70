// @ts-check
// Says when what is new does not arrive, because the stream or the network is gone, and when it does again.

import { asks } from "./leaving.js";
import { put } from "./places.js";
import { look } from "./session.js";

const GRACE = 1_500; // ms; a stream that ends in good order begins anew sooner

const place = /** @type {HTMLElement} */ (document.querySelector("[data-connection]"));
/** @type {EventSource | undefined} */
let source;
let refused = false;
let timer = 0;
put("connection", place);

document.addEventListener("htmx:sseOpen", (event) => {
  const first = source === undefined;
  source = /** @type {CustomEvent<{source: EventSource}>} */ (event).detail.source;
  refused = false;
  back();
  if (!first) void look(); // somebody else may have logged in meanwhile
});
document.addEventListener("htmx:sseError", (event) => {
  const { readyState } = /** @type {CustomEvent<{source: EventSource}>} */ (event).detail.source;
  if (readyState === EventSource.CLOSED && !refused) void why();
  refused ||= readyState === EventSource.CLOSED;
  away(navigator.onLine ? GRACE : 0);
});
document.addEventListener("submit", ({ target }) => {
  if (!(target instanceof HTMLFormElement && target.matches("[action^='/logout']"))) return;
  if (!asks()) source?.close(); // it ends with the session, unless one stays
});
window.addEventListener("offline", () => away(0));
window.addEventListener("online", () => {
  if (source?.readyState === EventSource.OPEN) back(); // it outlived the network's absence
});

/** It was refused: perhaps the session has ended. */
async function why() {
  await look();
  if (signedOut()) place.textContent = "";
}

function signedOut() {
  return document.querySelector("main > [data-signed-out]:not([hidden])") !== null;
}

/** @param {number} patience ms; each failed attempt comes here, and the first one counts */
function away(patience) {
  if (patience === 0) say();
  else timer ||= window.setTimeout(say, patience);
}

function say() {
  if (signedOut()) return; // that is why, and is said
  place.textContent = place.dataset.connection ?? "";
}

function back() {
  clearTimeout(timer);
  timer = 0;
  place.textContent = "";
  document.dispatchEvent(new Event("relato:connected", { bubbles: true }));
}
