// @ts-check
// For some seconds what was sent can be undone: says for how long, also after the page was loaded anew.
import { newKey } from "./command.js";
import { announce } from "./dialog.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./draft.js").Written} Written */
/** @typedef {{id: string, at: string, written: Written | null}} Held what was sent, until when, and what it was made from */

const line = /** @type {HTMLElement} */ (document.querySelector("[data-undo]"));
const text = /** @type {HTMLElement} */ (line.querySelector("[data-undo-text]"));
const button = /** @type {HTMLButtonElement} */ (line.querySelector("[data-undo-now]"));
const say = wordsOf(line);
/** A click needs some time to get there; what is offered is to be kept. */
const GRACE = 700; // ms
const [loaded] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
/** By how much this machine's clock is ahead of the server's; at least, since the page was made after it was asked for. */
const ahead = performance.timeOrigin + (loaded?.requestStart ?? 0) - Date.parse(line.dataset.now ?? "");
/** @type {Held | null} */
let held = null;
let key = newKey();
let timer = 0;

document.addEventListener("relato:held", (event) => begin(/** @type {CustomEvent<Held>} */ (event).detail));
button.addEventListener("click", () => void undo());
const before = /** @type {HTMLElement | null} */ (document.querySelector("article[data-release]"));
if (before) begin({ id: before.id.slice("entry-".length), at: before.dataset.release ?? "", written: null });

/** @param {Held} next */
function begin(next) {
  if (left(next) <= GRACE) return;
  held = next;
  key = newKey();
  line.hidden = false;
  button.disabled = false;
  announce(say("can-undo", { seconds: String(Math.ceil(left(next) / 1000)) }));
  tick();
}

function tick() {
  clearTimeout(timer);
  if (!held) return;
  const rest = left(held);
  text.textContent = say("sends", { seconds: String(Math.ceil(rest / 1000)), address: line.dataset.address ?? "" });
  if (rest <= GRACE) return end();
  timer = window.setTimeout(tick, 250);
}

/** @param {Held} it @returns {number} milliseconds, rather too few than too many */
function left(it) {
  return Date.parse(it.at) - (Date.now() - ahead);
}

function end() {
  clearTimeout(timer);
  held = null;
  line.hidden = true;
}

async function undo() {
  if (!held || button.disabled) return;
  const it = held;
  const article = /** @type {HTMLElement | null} */ (document.getElementById(`entry-${it.id}`));
  const written = it.written ?? (article && "releaseRecorded" in article.dataset ? writtenIn(article) : null);
  button.disabled = true;
  clearTimeout(timer);
  try {
    const answer = await fetch(`${line.dataset.action}/${it.id}/undo`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: "{}",
    });
    if (answer.ok) {
      end();
      announce(say(written ? "undone" : "undone-shown"));
      if (written) document.dispatchEvent(new CustomEvent("relato:write", { detail: written }));
      return;
    }
    const code = (await answer.json()).type?.split("/").pop() ?? "";
    text.textContent = say(code) || say("failed");
    announce(text.textContent);
  } catch {
    text.textContent = say("failed"); // no answer came: the same key makes trying again safe
    button.disabled = false;
  }
  timer = window.setTimeout(end, 5_000);
}

/** What a note was made from, as far as it shows. @param {HTMLElement} article @returns {Written} */
function writtenIn(article) {
  const html = (/** @type {string} */ part) => article.querySelector(`${part} .rich`)?.innerHTML ?? "";
  const { minutes = "", category = "", origin = "" } = article.dataset;
  const solution = /** @type {HTMLElement | null} */ (article.querySelector("[data-solution]"));
  return {
    description_html: html("[data-text]"),
    time_spent_minutes: minutes === "0" ? "" : minutes,
    category_id: category,
    origin_id: origin,
    solution_html: solution?.innerText.trim() ?? "",
  };
}
