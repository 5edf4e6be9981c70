// @ts-check
// Puts entries where they belong in a history whose newest stands on top; each is there once.

import { askAnew } from "./offers.js";

/** What came about entries whose page was not there yet: one that was read before that says less. @type {Map<string, HTMLElement>} */
const ahead = new Map();
document.addEventListener("htmx:load", (event) => {
  const { elt } = /** @type {CustomEvent<{elt: HTMLElement}>} */ (event).detail;
  for (const entry of elt.querySelectorAll("article")) {
    const now = ahead.get(entry.id);
    ahead.delete(entry.id);
    if (now && !(Number(now.dataset.version) <= Number(entry.dataset.version))) entry.replaceWith(now);
  }
});

/**
 * @param {HTMLElement} fresh where entries arrive that are newer than all others
 * @param {DocumentFragment} came one entry or that it is gone, what became of a mail, or that the ticket has changed
 */
export function put(fresh, came) {
  const list = /** @type {HTMLElement} */ (fresh.parentElement);
  const entry = came.querySelector("article");
  if (entry) putEntry(fresh, list, entry);
  const gone = /** @type {HTMLElement | null} */ (came.querySelector("[data-gone]"));
  if (gone) putGone(gone);
  // The time spent, the status and what is offered may be others now: the head asks anew.
  askAnew();
  const mail = came.querySelector("li");
  const subject = came.querySelector("ul")?.dataset.subject;
  if (mail && subject) putMail(mail, subject);
  const seen = /** @type {HTMLElement | null} */ (came.querySelector("[data-seen-up-to]"));
  if (seen) putSeen(list, seen, Number(seen.dataset.seenUpTo));
}

/** @param {HTMLElement} fresh @param {HTMLElement} list @param {HTMLElement} entry */
function putEntry(fresh, list, entry) {
  list.querySelector(".entries-none")?.remove();
  const known = document.getElementById(entry.id);
  ahead.delete(entry.id);
  if (known) {
    // An older state may come after a newer one, when a connection begins anew.
    if (Number(entry.dataset.version) < Number(known.dataset.version)) return;
    replace(known, entry);
    return;
  }
  const shown = [...list.querySelectorAll("article")];
  const older = shown.findIndex((each) => String(each.dataset.recorded) < String(entry.dataset.recorded));
  const [newer, next] = older < 0 ? [shown.at(-1)] : [shown[older - 1], shown[older]];
  if (!newer || newer.parentElement === fresh) {
    if (next?.parentElement === fresh) next.before(entry);
    else fresh.append(entry);
  } else if (next || !list.querySelector(".more")) putBetween(newer, entry);
  else return void ahead.set(entry.id, entry); // older than all that is shown: it comes with its page
  document.dispatchEvent(new CustomEvent("relato:entry", { detail: entry }));
}

/**
 * What was recorded before others and is shown only now stands among them, and is said aloud.
 * @param {HTMLElement} newer @param {HTMLElement} entry
 */
function putBetween(newer, entry) {
  newer.after(entry);
  const aloud = document.querySelector("[data-announced]");
  if (aloud) aloud.textContent = entry.querySelector(".entry-author")?.textContent + ": " + entry.querySelector(".rich")?.textContent;
}

/**
 * Nothing of an entry stays; that there was one is said in its place, and aloud.
 * @param {HTMLElement} gone
 */
function putGone(gone) {
  const known = document.getElementById(gone.id);
  if (!known) return void ahead.set(gone.id, gone); // on a page that was not loaded
  if (!known.matches("article")) return; // said before
  replace(known, gone);
  const aloud = document.querySelector("[data-announced]");
  if (aloud) aloud.textContent = gone.textContent;
}

/**
 * Whoever reads an entry, or has just changed it, stays where they are.
 * @param {HTMLElement} known @param {HTMLElement} now
 */
function replace(known, now) {
  const here = known.contains(document.activeElement);
  known.replaceWith(now);
  if (here) now.focus();
}

/** @param {HTMLElement} mail @param {string} subject */
function putMail(mail, subject) {
  const known = document.getElementById(mail.id);
  // What is said in the chat is no entry here: of its mails those stand on the page that somebody has to decide about.
  const isChat = document.getElementById(`line-${subject}`) !== null;
  const undecided = isChat && mail.querySelector("[data-decides]") ? document.querySelector("[data-chat-mails]") : null;
  const mails = document.getElementById(`entry-${subject}`)?.querySelector(".mails") ?? undecided;
  mails?.querySelector("[data-planned]")?.remove();
  // After a reconnect what was is told again, and is no news.
  if (known && (String(mail.dataset.at) < String(known.dataset.at) || known.isEqualNode(mail))) return;
  if (known) known.replaceWith(mail);
  else mails?.append(mail);
}

/**
 * When the requester saw entries: said of those that they could see by then.
 * @param {HTMLElement} list @param {HTMLElement} seen @param {number} upTo
 */
function putSeen(list, seen, upTo) {
  const shown = /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll(".entry-shown:not(.entry-retracted)"));
  for (const entry of shown) {
    if (Number(entry.dataset.version) > upTo || entry.querySelector(".entry-seen")) continue;
    entry.querySelector(".entry-foot")?.append(...seen.cloneNode(true).childNodes);
  }
}
