// @ts-check
// The chat's panel: open and shut, write, and say what was not read yet.
import { toEnd } from "./chat-log.js";
import { askBeforeLeaving } from "./leaving.js";
import { makeOutbox } from "./outbox.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./outbox.js").Waiting} Waiting */

const panel = /** @type {HTMLElement} */ (document.querySelector("[data-chat]"));
const opener = /** @type {HTMLElement} */ (document.querySelector('[data-opens="chat"]'));
const count = /** @type {HTMLElement} */ (document.querySelector("[data-chat-count]"));
const unread = /** @type {HTMLElement} */ (document.querySelector("[data-chat-unread]"));
const log = /** @type {HTMLElement} */ (panel.querySelector("[data-chat-log]"));
const waiting = /** @type {HTMLElement} */ (panel.querySelector("[data-chat-waiting]"));
const form = /** @type {HTMLFormElement | null} */ (panel.querySelector("[data-chat-form]"));
const text = /** @type {HTMLTextAreaElement | null} */ (panel.querySelector("[data-chat-text]"));
const error = /** @type {HTMLElement | null} */ (panel.querySelector("[data-chat-error]"));
const say = wordsOf(panel);
const { action = "", person = "" } = panel.dataset;
/** What was refused and stands in the field again. */
let back = "";
/** What stands for each line that was sent, until the line itself is there. @type {Map<string, HTMLElement>} */
const places = new Map();

const outbox = makeOutbox(action, `relato-chat ${person} ${action}`, {
  accepted(line, id) {
    const place = places.get(line.key);
    if (document.getElementById(`line-${id}`)) place?.remove();
    else if (place) place.dataset.becomes = `line-${id}`;
    places.delete(line.key);
  },
  refused(line, code) {
    places.get(line.key)?.remove();
    places.delete(line.key);
    if (!text || !error) return;
    for (const each of [panel, form]) each?.toggleAttribute("hidden", false); // also where nothing more is taken
    // Nothing that was written is lost: what comes back stands in its order, before what was begun since.
    const before = text.value.startsWith(back) ? back : "";
    back = [before, line.text].filter(Boolean).join("\n");
    text.value = [back, text.value.slice(before.length).replace(/^\n/, "")].filter(Boolean).join("\n");
    error.textContent = say(code) || say("failed");
    error.hidden = false;
  },
});
for (const line of outbox.lines) showWaiting(line);
void outbox.send();
askBeforeLeaving(() => outbox.lines.length > 0 || (text?.value.trim() ?? "") !== "");

opener.addEventListener("click", () => ("open" in panel.dataset ? close() : open()));
panel.querySelector("[data-chat-close]")?.addEventListener("click", close);
panel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault();
  close();
});
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
text?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
document.addEventListener("relato:line", (event) => {
  const line = /** @type {CustomEvent<HTMLElement>} */ (event).detail;
  waiting.querySelector(`[data-becomes="${line.id}"]`)?.remove();
  if (line.dataset.line === "other" && !("open" in panel.dataset)) showUnread(Number(count.textContent) + 1);
});
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.target !== count) return;
  event.preventDefault();
  readUpTo(Number(/** @type {CustomEvent<MessageEvent<string>>} */ (event).detail.data));
});
document.addEventListener("relato:read", (event) => readUpTo(/** @type {CustomEvent<number>} */ (event).detail));

function open() {
  panel.dataset.open = "";
  opener.setAttribute("aria-expanded", "true");
  showUnread(0);
  toEnd(log);
  (form?.hidden ? log : (text ?? log)).focus();
}

function close() {
  delete panel.dataset.open;
  opener.setAttribute("aria-expanded", "false");
  opener.focus();
}

function submit() {
  if (!text || !error || !text.value.trim()) return;
  error.hidden = true;
  showWaiting(outbox.add(text.value.trim()));
  text.value = back = "";
  document.dispatchEvent(new Event("relato:sent"));
  toEnd(log);
}

/** @param {Waiting} line */
function showWaiting(line) {
  const place = document.createElement("li");
  const state = document.createElement("small");
  place.textContent = line.text;
  state.textContent = say("waiting");
  place.append(state);
  waiting.append(place);
  places.set(line.key, place);
}

/** What was read on another page, or above the history, is not new here. @param {number} version */
function readUpTo(version) {
  const others = /** @type {NodeListOf<HTMLElement>} */ (log.querySelectorAll('[data-line="other"]'));
  const later = [...others].filter(({ dataset }) => Number(dataset.version) > version).length;
  if (later < others.length) showUnread(Math.min(Number(count.textContent), later)); // else none of these was read
}

/** @param {number} number */
function showUnread(number) {
  count.textContent = String(number);
  count.hidden = number === 0;
  unread.textContent =
    number === 0 ? "" : say(number === 1 ? "unread-one" : "unread-many", { count: String(number) });
}
