// @ts-check
// The editor of an e-mail template: previews as one writes, test mails to oneself, saving.
import { changedAt, publish } from "./facts.js";
import { clearErrors, showError, showFailure } from "./fields.js";
import { showMail } from "./preview.js";
import { goToLogin } from "./session.js";
import { wordsOf } from "./words.js";

const QUIET_MS = 400;

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-template]"));
const announced = /** @type {HTMLElement} */ (document.querySelector("[data-announced]"));
const sections = /** @type {HTMLElement[]} */ ([...form.querySelectorAll("[data-variant]")]);
const say = wordsOf(document.body);
/** @type {Record<string, string>} */
const trialWords = JSON.parse(document.querySelector("[data-trial-words]")?.textContent ?? "{}");
let unsaved = false;
let last = /** @type {HTMLTextAreaElement | null} */ (form.querySelector("textarea"));

sections.forEach(prepare);
form.addEventListener("focusin", ({ target }) => {
  if (target instanceof HTMLTextAreaElement) last = target;
});
form.addEventListener("input", ({ target }) => {
  if (target instanceof HTMLSelectElement) return; // what a preview is made of is not saved
  unsaved = true;
  announced.textContent = "";
});
form.addEventListener("click", ({ target }) => {
  const name = /** @type {Element} */ (target).closest("[data-variable]")?.getAttribute("data-variable");
  if (!name || !last) return;
  last.focus();
  last.setRangeText(`{{ ${name} }}`, last.selectionStart, last.selectionEnd, "end");
  last.dispatchEvent(new Event("input", { bubbles: true }));
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void save();
});
addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});

/** @param {HTMLElement} section @param {number} number */
function prepare(section, number) {
  let timer = 0;
  let asked = 0;
  const show = async () => {
    const mine = (asked += 1);
    const answer = await post("previews", section).catch(() => null);
    if (mine !== asked || !answer) return; // somebody wrote on
    const made = await answer.json();
    for (const part of ["subject", "text", "html"]) mark(number, part, "");
    if (!answer.ok) return void (made.errors ?? []).forEach(wrongIn(number));
    /** @type {HTMLElement} */ (section.querySelector("[data-preview-subject]")).textContent = made.subject;
    /** @type {HTMLElement} */ (section.querySelector("[data-preview-text]")).textContent = made.text;
    showMail(/** @type {HTMLIFrameElement} */ (section.querySelector("[data-preview-html]")), made.html);
  };
  section.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void show(), QUIET_MS);
  });
  section.querySelector("[data-try]")?.addEventListener("click", () => void tryOut(section, number));
  void show();
}

/** @param {HTMLElement} section @param {number} number */
async function tryOut(section, number) {
  const outcome = /** @type {HTMLElement} */ (section.querySelector("[data-tried]"));
  outcome.textContent = "";
  const answer = await post("test-mails", section).catch(() => null);
  const made = await answer?.json();
  if (!answer?.ok) (made?.errors ?? []).forEach(wrongIn(number));
  outcome.textContent = told(answer?.ok ? made.outcome : "failed", made ?? {});
}

/** @param {string} path @param {HTMLElement} section */
async function post(path, section) {
  const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
  const kind = /** @type {HTMLSelectElement} */ (section.querySelector("[data-kind]")).value;
  const answer = await fetch(`/api/notifier/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key.join("") },
    body: JSON.stringify({ ...variant(section), kind }),
  });
  if (answer.status === 401) goToLogin();
  return answer;
}

/** @param {HTMLElement} section */
function variant(section) {
  const parts = /** @type {HTMLTextAreaElement[]} */ ([...section.querySelectorAll("[data-part]")]);
  return Object.fromEntries([["language", section.dataset.variant], ...parts.map((each) => [each.dataset.part, each.value])]);
}

/** @param {number} number @returns {(error: {pointer: string, detail: string}) => void} */
function wrongIn(number) {
  return ({ pointer, detail }) => mark(number, pointer.slice(1), beside(detail));
}

/** Says what is wrong with a part without taking the focus from who writes. @param {number} number @param {string} part @param {string} text */
function mark(number, part, text) {
  const field = form.querySelector(`[data-field="variants/${number}/${CSS.escape(part)}"]`);
  const place = /** @type {HTMLElement | null} */ (field?.querySelector(".field-error"));
  if (!place || place.textContent === text) return;
  place.textContent = text;
  place.hidden = !text;
  const input = field?.querySelector("textarea");
  if (text) input?.setAttribute("aria-invalid", "true");
  else input?.removeAttribute("aria-invalid");
}

/** @param {string} detail what the API says, with its line @returns {string} */
function beside(detail) {
  const [, line, rest] = /^Line (\d+): (.*)$/s.exec(detail) ?? [];
  return line ? told("line", { line, detail: rest }) : detail || told("invalid", {});
}

/** @param {string} word @param {Record<string, string>} values */
function told(word, values) {
  return (trialWords[word] ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

async function save() {
  clearErrors(form);
  const id = form.dataset.template ?? "";
  const name = /** @type {HTMLInputElement} */ (form.elements.namedItem("name")).value.trim();
  const fact = { template_id: id, name, variants: sections.map(variant) };
  try {
    const since = form.dataset.since ?? "";
    const { ending, code, errors } = await publish("email-templates", id, fact, since, (word) => (announced.textContent = say(word)));
    const at = ending === "refused" ? 0 : await changedAt("email-templates", id);
    if (at) form.dataset.since = new Date(at).toISOString();
    announced.textContent = ending === "saved" ? say("saved") : "";
    if (ending === "saved" || ending === "late") unsaved = false;
    if (ending === "saved") return;
    const shown = errors.filter(({ pointer, detail }) => {
      return showError(form, pointer.slice(1), pointer === "/name" ? told("invalid", {}) : beside(detail));
    });
    if (!shown.length) showFailure(form, say(ending) || say(code) || say("failed"));
  } catch {
    announced.textContent = "";
    showFailure(form, say("failed"));
  }
}
