// @ts-check
// For some seconds what was sent can be undone: says for how long, also after the page was loaded anew, and elsewhere.
import { ask } from "./ask.js";
import { newKey } from "./command.js";
import { announce } from "./dialog.js";
import { placeOf } from "./drafts.js";
import { forget, keep, kept } from "./held.js";
import { put } from "./places.js";
import { offerLogin } from "./session.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./drafts.js").Written} Written */
/** @typedef {import("./held.js").Held} Held */

/** What each line is made like; it stands before all of them. */
const pattern = /** @type {HTMLElement} */ (document.querySelector("[data-undo]"));
const lines = /** @type {HTMLElement} */ (document.querySelector("[data-undo-lines]"));
const say = wordsOf(pattern);
const { ticket = "", action = "", address = "" } = pattern.dataset;
/** What has a line, or had one. @type {Set<string>} */
const offered = new Set();
/** A click needs some time to get there; what is offered is to be kept. */
const GRACE = 700; // ms
const AGAIN_MS = 500;
/** What could not be done is to be read before it goes. */
const READ_MS = 5_000;
const [loaded] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
/** By how much this machine's clock is ahead of the server's; at least, since the page was made after it was asked for. */
const ahead = performance.timeOrigin + (loaded?.requestStart ?? 0) - Date.parse(pattern.dataset.now ?? "");

put("undo", lines);
document.addEventListener("relato:held", (event) => {
  keep({ .../** @type {CustomEvent<Pick<Held, "id" | "at" | "written">>} */ (event).detail, ticket, action, address });
  offer();
});
const released = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("article[data-release]")]);
for (const each of released.reverse()) {
  const written = "releaseRecorded" in each.dataset ? writtenIn(each) : null;
  keep({ id: each.id.slice("entry-".length), at: each.dataset.release ?? "", written, ticket, action, address });
}
offer();
addEventListener("pageshow", offer); // what was sent since may be news to a page that one goes back to

function offer() {
  for (const held of kept().reverse()) if (!offered.has(held.id)) begin(held);
}

/** Each that was sent has a line of its own, the latest first. @param {Held} held */
function begin(held) {
  if (left(held) <= GRACE) return forget(held.id);
  offered.add(held.id);
  const line = /** @type {HTMLElement} */ (pattern.cloneNode(true));
  const text = /** @type {HTMLElement} */ (line.querySelector("[data-undo-text]"));
  const button = /** @type {HTMLButtonElement} */ (line.querySelector("[data-undo-now]"));
  const key = newKey();
  let word = "sends";
  let timer = 0;
  line.hidden = false;
  lines.prepend(line);
  button.addEventListener("click", () => void undo());
  announce(named(say("can-undo", { seconds: String(Math.ceil(left(held) / 1000)) })));
  tick();

  function tick() {
    if (left(held) <= GRACE && !button.disabled) {
      forget(held.id);
      return line.remove();
    }
    text.textContent = said();
    timer = window.setTimeout(tick, 250);
  }

  function said() {
    const seconds = String(Math.max(0, Math.ceil(left(held) / 1000)));
    return named(say(word, { seconds, address: held.address }));
  }

  /** Of another ticket than this page's its number is said. @param {string} words */
  function named(words) {
    return held.ticket === ticket ? words : `${held.ticket}: ${words}`;
  }

  async function undo() {
    if (button.disabled) return;
    const { written } = held;
    button.disabled = true;
    const outcome = await settled();
    clearTimeout(timer);
    forget(held.id);
    if (outcome === "undone" && held.ticket !== ticket) return undoneElsewhere();
    if (outcome === "undone") {
      const writing = line.closest("dialog");
      line.remove();
      if (writing && !writing.contains(document.activeElement)) backTo(writing);
      announce(say(written ? "undone" : "undone-shown"));
      if (written) document.dispatchEvent(new CustomEvent("relato:write", { detail: written }));
      return;
    }
    text.textContent = named(say(outcome) || say("failed"));
    announce(text.textContent);
    setTimeout(() => line.remove(), READ_MS);
  }

  /** What is done on this page is not left for it: its text waits where it was written. */
  function undoneElsewhere() {
    const link = /** @type {HTMLAnchorElement} */ (line.querySelector("[data-undo-ticket]"));
    const writing = line.closest("dialog");
    if (held.written) keepFor(held.ticket, held.written);
    text.textContent = named(say(held.written ? "undone-waits" : "undone-shown"));
    link.href = `/desk/tickets/${held.ticket}`;
    link.hidden = false;
    button.remove();
    if (writing) backTo(writing);
    else link.focus();
    announce(text.textContent);
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
      const answer = await ask(`${held.action}/${held.id}/undo`, {
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

/** For the editor of a ticket's page, before what waits for it already. @param {string} ticket @param {Written} written */
function keepFor(ticket, written) {
  const place = placeOf(`/api/notes/tickets/${ticket}/drafts/occurrence`);
  const waits = JSON.parse(sessionStorage.getItem(place) ?? "null") ?? { written: {}, key: newKey(), tag: "" };
  const html = `${written.description_html ?? ""}${waits.written.description_html ?? ""}`;
  const all = { ...waits.written, ...written, description_html: html };
  sessionStorage.setItem(place, JSON.stringify({ ...waits, written: all }));
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
