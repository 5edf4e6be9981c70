// @ts-check
// For some seconds what was sent can be undone: says for how long, also after the page was loaded anew.
import { ask } from "./ask.js";
import { newKey } from "./command.js";
import { announce } from "./dialog.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./draft.js").Written} Written */
/** @typedef {{id: string, at: string, written: Written | null}} Held what was sent, until when, and what it was made from */

/** What each line is made like; it stands before all of them. */
const pattern = /** @type {HTMLElement} */ (document.querySelector("[data-undo]"));
const lines = /** @type {HTMLElement} */ (document.querySelector("[data-undo-lines]"));
const say = wordsOf(pattern);
/** A click needs some time to get there; what is offered is to be kept. */
const GRACE = 700; // ms
const [loaded] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
/** By how much this machine's clock is ahead of the server's; at least, since the page was made after it was asked for. */
const ahead = performance.timeOrigin + (loaded?.requestStart ?? 0) - Date.parse(pattern.dataset.now ?? "");

document.addEventListener("relato:held", (event) => begin(/** @type {CustomEvent<Held>} */ (event).detail));
const released = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("article[data-release]")]);
for (const each of released.reverse()) {
  begin({ id: each.id.slice("entry-".length), at: each.dataset.release ?? "", written: null });
}

/** Each that was sent has a line of its own, the latest first. @param {Held} held */
function begin(held) {
  if (left(held) <= GRACE) return;
  const line = /** @type {HTMLElement} */ (pattern.cloneNode(true));
  const text = /** @type {HTMLElement} */ (line.querySelector("[data-undo-text]"));
  const button = /** @type {HTMLButtonElement} */ (line.querySelector("[data-undo-now]"));
  const key = newKey();
  let timer = 0;
  line.hidden = false;
  lines.prepend(line);
  button.addEventListener("click", () => void undo());
  announce(say("can-undo", { seconds: String(Math.ceil(left(held) / 1000)) }));
  tick();

  function tick() {
    const rest = left(held);
    const seconds = String(Math.ceil(rest / 1000));
    text.textContent = say("sends", { seconds, address: pattern.dataset.address ?? "" });
    if (rest <= GRACE) return line.remove();
    timer = window.setTimeout(tick, 250);
  }

  async function undo() {
    if (button.disabled) return;
    const article = /** @type {HTMLElement | null} */ (document.getElementById(`entry-${held.id}`));
    const written = held.written ?? (article && "releaseRecorded" in article.dataset ? writtenIn(article) : null);
    button.disabled = true;
    clearTimeout(timer);
    try {
      const answer = await ask(`${pattern.dataset.action}/${held.id}/undo`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: "{}",
      });
      if (answer.ok) {
        line.remove();
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
    setTimeout(() => line.remove(), 5_000);
  }
}

/** @param {Held} it @returns {number} milliseconds, rather too few than too many */
function left(it) {
  return Date.parse(it.at) - (Date.now() - ahead);
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
