// @ts-check
// For some seconds what was sent can be undone: says for how long, also after the page was loaded anew.
import { ask } from "./ask.js";
import { newKey } from "./command.js";
import { announce } from "./dialog.js";
import { put } from "./places.js";
import { offerLogin } from "./session.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./draft.js").Written} Written */
/** @typedef {{id: string, at: string, written: Written | null}} Held what was sent, until when, and what it was made from */

/** What each line is made like; it stands before all of them. */
const pattern = /** @type {HTMLElement} */ (document.querySelector("[data-undo]"));
const lines = /** @type {HTMLElement} */ (document.querySelector("[data-undo-lines]"));
const say = wordsOf(pattern);
/** A click needs some time to get there; what is offered is to be kept. */
const GRACE = 700; // ms
const AGAIN_MS = 500;
/** What could not be done is to be read before it goes. */
const READ_MS = 5_000;
const [loaded] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
/** By how much this machine's clock is ahead of the server's; at least, since the page was made after it was asked for. */
const ahead = performance.timeOrigin + (loaded?.requestStart ?? 0) - Date.parse(pattern.dataset.now ?? "");

put("undo", lines);
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
  let word = "sends";
  let timer = 0;
  line.hidden = false;
  lines.prepend(line);
  button.addEventListener("click", () => void undo());
  announce(say("can-undo", { seconds: String(Math.ceil(left(held) / 1000)) }));
  tick();

  function tick() {
    if (left(held) <= GRACE && !button.disabled) return line.remove();
    text.textContent = said();
    timer = window.setTimeout(tick, 250);
  }

  function said() {
    const seconds = String(Math.max(0, Math.ceil(left(held) / 1000)));
    return say(word, { seconds, address: pattern.dataset.address ?? "" });
  }

  async function undo() {
    if (button.disabled) return;
    const article = /** @type {HTMLElement | null} */ (document.getElementById(`entry-${held.id}`));
    const written = held.written ?? (article && "releaseRecorded" in article.dataset ? writtenIn(article) : null);
    button.disabled = true;
    const outcome = await settled();
    clearTimeout(timer);
    if (outcome === "undone") {
      const writing = line.closest("dialog");
      line.remove();
      if (writing && !writing.contains(document.activeElement)) backTo(writing);
      announce(say(written ? "undone" : "undone-shown"));
      if (written) document.dispatchEvent(new CustomEvent("relato:write", { detail: written }));
      return;
    }
    text.textContent = say(outcome) || say("failed");
    announce(text.textContent);
    setTimeout(() => line.remove(), READ_MS);
  }

  /**
   * What came of it: one press is enough, since what only passes is tried again for as long as there is time.
   * @returns {Promise<string>}
   */
  async function settled() {
    for (;;) {
      const outcome = await attempt();
      if (outcome || left(held) <= 0) return outcome || "failed";
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** @returns {Promise<string>} empty where it is to be tried again, which one key makes safe */
  async function attempt() {
    try {
      const answer = await ask(`${pattern.dataset.action}/${held.id}/undo`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: "{}",
      });
      if (answer.ok) return "undone";
      const ended = answer.status === 401;
      if (ended) offerLogin();
      if (ended || answer.status === 429 || answer.status >= 500) return goOn(ended ? "unauthenticated" : "again");
      return (await answer.json()).type?.split("/").pop() ?? "failed";
    } catch {
      return goOn("again"); // no answer came, or one that broke off
    }
  }

  /** @param {string} why */
  function goOn(why) {
    if (word !== why) {
      word = why;
      announce(said());
    }
    return "";
  }
}

/** @param {Held} it @returns {number} milliseconds, rather too few than too many */
function left(it) {
  return Date.parse(it.at) - (Date.now() - ahead);
}

/** Whoever pressed the button, which has gone, goes on writing. @param {HTMLElement} dialog */
function backTo(dialog) {
  /** @type {HTMLElement | null} */ (dialog.querySelector("[role=textbox], textarea"))?.focus();
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
