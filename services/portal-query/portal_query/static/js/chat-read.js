// @ts-check
// Says how far an executor has read the chat, while it is open on a page that is looked at.
import { ask } from "./ask.js";

const SOON_MS = 200;
const AGAIN_MS = 5_000;
const panel = /** @type {HTMLElement} */ (document.querySelector("[data-chat]"));
let told = 0;
let timer = 0;

document.addEventListener("relato:line", () => soon(SOON_MS));
document.addEventListener("relato:connected", () => soon(SOON_MS));
document.addEventListener("visibilitychange", () => soon(SOON_MS));
new MutationObserver(() => soon(SOON_MS)).observe(panel, { attributeFilter: ["data-open"] });

/** @param {number} delay milliseconds */
function soon(delay) {
  clearTimeout(timer);
  timer = window.setTimeout(tell, delay);
}

async function tell() {
  const lines = /** @type {NodeListOf<HTMLElement>} */ (panel.querySelectorAll("[data-line]"));
  const upTo = Math.max(0, ...[...lines].map(({ dataset }) => Number(dataset.version)));
  if (document.hidden || !("open" in panel.dataset) || upTo <= told) return;
  const answer = await ask(panel.dataset.read ?? "", {
    method: "POST",
    headers: { "Content-Type": "application/json" }, // no key: what was read is read
    body: JSON.stringify({ up_to_version: upTo }),
  }).catch(() => null);
  if (answer?.ok) told = Math.max(told, upTo);
  else if (!answer || answer.status >= 429) soon(AGAIN_MS);
}
