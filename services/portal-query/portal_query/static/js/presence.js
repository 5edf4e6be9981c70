// @ts-check
// Tells that the person before this page is there, and whether they write; repeats it while that is so.

import { ask } from "./ask.js";
import { newKey } from "./command.js";

const QUIET = 4_000; // ms without a key until one no longer writes

const place = /** @type {HTMLElement} */ (document.querySelector("[data-presence]"));
const address = place.dataset.presence ?? "";
const repeat = Number(place.dataset.seconds) * 333; // thrice while one counts as there
const page = newKey(); // one that is closed leaves others of the same ticket
/** @typedef {{state: "viewing" | "writing" | "gone", for_team?: boolean}} Said */
/** @type {Said} */
let now = { state: "viewing" };
/** One after the other, since what was said last is what counts. */
let telling = Promise.resolve();
let timer = 0;
/** Somebody else has logged in since: nothing is repeated until something happens on this page. */
let refused = false;

document.addEventListener("input", (event) => {
  const written = /** @type {Element} */ (event.target).closest("[data-writing]");
  if (!written) return;
  const audience = written.closest("[data-audience]");
  say({ state: "writing", for_team: audience instanceof HTMLElement && audience.dataset.audience === "internal" });
  clearTimeout(timer);
  timer = window.setTimeout(stop, QUIET);
});
for (const done of ["submit", "relato:closed", "relato:sent"]) document.addEventListener(done, stop, true);
document.addEventListener("visibilitychange", () => {
  // Whoever looks elsewhere is away after a while, and gets a mail about what is said meanwhile.
  if (!document.hidden) tell(now);
});
window.addEventListener("pageshow", () => tell(now));
window.addEventListener("pagehide", () => tell({ state: "gone" }));
setInterval(() => document.hidden || refused || tell(now), repeat);

function stop() {
  clearTimeout(timer);
  say({ state: "viewing" });
}

/** @param {Said} said */
function say(said) {
  if (said.state === now.state && said.for_team === now.for_team) return;
  now = said;
  tell(said);
}

/** @param {Said} said */
function tell(said) {
  const send = () =>
    ask(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...said, page }),
      keepalive: true, // the last one outlives the page
    });
  if (said.state === "gone") void send();
  else telling = telling.then(send).then(heard, missed);
}

/** @param {Response} answer */
function heard(answer) {
  refused = answer.status === 409;
}

function missed() {} // it is said again soon
