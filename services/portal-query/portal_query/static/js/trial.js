// @ts-check
// Tries a template as one writes: previews with an example or with something that really happened, test mails to oneself.
import { ask } from "./ask.js";
import { showMail } from "./preview.js";
import { look, offerLogin } from "./session.js";
import { variant } from "./template.js";
import { beside, told } from "./trial_words.js";

const QUIET_MS = 400;

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-template]"));
const chosen = /** @type {HTMLSelectElement} */ (form.querySelector("[data-chosen]"));
const real = /** @type {HTMLOptGroupElement} */ (form.querySelector("[data-real]"));
const ticket = /** @type {HTMLInputElement} */ (form.querySelector("[data-ticket]"));
/** @type {WeakMap<HTMLElement, {timer: number, asked: number}>} */
const waiting = new WeakMap();

form.addEventListener("input", ({ target }) => {
  const section = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest("[data-variant]"));
  if (section) soon(section);
});
chosen.addEventListener("change", showAll);
form.addEventListener("click", ({ target }) => {
  const button = /** @type {Element} */ (target).closest("button");
  if (button?.matches("[data-find]")) void find();
  if (button?.matches("[data-try]")) void tryOut(/** @type {HTMLElement} */ (button.closest("[data-variant]")));
});
ticket.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault(); // the template is not saved by it
  void find();
});
showAll();

function showAll() {
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-variant]"))) void show(each);
}

/** @param {HTMLElement} section */
function turns(section) {
  const known = waiting.get(section) ?? { timer: 0, asked: 0 };
  waiting.set(section, known);
  return known;
}

/** @param {HTMLElement} section */
function soon(section) {
  const turn = turns(section);
  clearTimeout(turn.timer);
  turn.timer = window.setTimeout(() => void show(section), QUIET_MS);
}

/** @param {HTMLElement} section */
async function show(section) {
  const turn = turns(section);
  const mine = (turn.asked += 1);
  const answer = await post("previews", section).catch(() => null);
  if (mine !== turn.asked || !answer) return; // somebody wrote on
  const made = await answer.json();
  for (const part of ["subject", "text", "html"]) mark(section, part, "");
  if (!answer.ok) return markAll(section, made);
  /** @type {HTMLElement} */ (section.querySelector("[data-preview-subject]")).textContent = made.subject;
  /** @type {HTMLElement} */ (section.querySelector("[data-preview-text]")).textContent = made.text;
  showMail(/** @type {HTMLIFrameElement} */ (section.querySelector("[data-preview-html]")), made.html);
}

/** @param {HTMLElement} section */
async function tryOut(section) {
  const outcome = /** @type {HTMLElement} */ (section.querySelector("[data-tried]"));
  outcome.textContent = "";
  const answer = await post("test-mails", section).catch(() => null);
  const made = await answer?.json();
  if (!answer?.ok) markAll(section, made ?? {});
  outcome.textContent = told(answer?.ok ? made.outcome : "failed", made ?? {});
}

/** @param {string} path @param {HTMLElement} section */
async function post(path, section) {
  const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
  const isReal = chosen.selectedOptions[0]?.parentElement === real;
  const answer = await ask(`/api/notifier/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key.join("") },
    body: JSON.stringify({ ...variant(section), [isReal ? "occurrence_id" : "kind"]: chosen.value }),
  });
  if (answer.status === 401) offerLogin();
  if (answer.status === 409) void look(); // perhaps somebody else has logged in, and the test would be theirs
  return answer;
}

/** Offers what happened on a ticket, and shows the latest. */
async function find() {
  const id = ticket.value.trim();
  if (!id) return;
  const answer = await fetch(`/api/notifier/occurrences?ticket_id=${encodeURIComponent(id)}`).catch(() => null);
  if (answer?.status === 401) return offerLogin();
  /** @type {Array<{occurrence_id: string, author_name: string, occurred_at: string, excerpt: string}>} */
  const items = answer?.ok ? (await answer.json()).items : [];
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: "short", timeStyle: "short", timeZone: form.dataset.zone,
  });
  real.replaceChildren(
    ...items.map(({ occurrence_id, author_name, occurred_at, excerpt }) => {
      return new Option(`${format.format(new Date(occurred_at))} · ${author_name}: ${excerpt}`, occurrence_id);
    }),
  );
  real.label = told("ticket", { ticket: id });
  real.hidden = !items.length;
  const place = /** @type {HTMLElement} */ (form.querySelector("#example-ticket-error"));
  place.textContent = items.length ? "" : told("none");
  place.hidden = items.length > 0;
  chosen.value = items[0]?.occurrence_id ?? "occurrence";
  showAll();
}

/** @param {HTMLElement} section @param {{errors?: import("./trial_words.js").Fault[]}} made */
function markAll(section, made) {
  for (const error of made.errors ?? []) mark(section, error.pointer.slice(1), beside(error));
}

/** Says what is wrong with a part without taking the focus from who writes. @param {HTMLElement} section @param {string} part @param {string} text */
function mark(section, part, text) {
  const input = section.querySelector(`[data-part="${CSS.escape(part)}"]`);
  const place = /** @type {HTMLElement | null} */ (input?.parentElement?.querySelector(".field-error") ?? null);
  if (!place || place.textContent === text) return;
  place.textContent = text;
  place.hidden = !text;
  if (text) input?.setAttribute("aria-invalid", "true");
  else input?.removeAttribute("aria-invalid");
}
