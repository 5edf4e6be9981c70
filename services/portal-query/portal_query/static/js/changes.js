// @ts-check
// From an entry to the fields of a dialog, and from those to the command: only what was changed.
import { minutes, written } from "./duration.js";
import { field } from "./note.js";
import { moment, wallClock } from "./zone.js";

/** @typedef {import("../vendor/tiptap.js").Editor} TipTap */
/**
 * @typedef {object} Changing
 * @property {string} does
 * @property {HTMLFormElement} form
 * @property {Record<string, TipTap>} editors
 * @property {Record<string, string>} before what each field held when it was filled
 */

const PARTS = /** @type {Readonly<Record<string, string>>} */ ({ description_html: "[data-text] .rich", solution_html: "[data-solution] .rich" });
const FIELDS = ["occurred_at", "time_spent_minutes", "category_id", "origin_id"];

/** @param {Changing} changing @param {HTMLElement} article */
export function fill(changing, article) {
  const { does, form, editors, before } = changing;
  const { happened = "", minutes: spent = "0", category = "", origin = "" } = article.dataset;
  form.reset();
  const known = /** @type {Record<string, string>} */ ({
    occurred_at: happened && wallClock(new Date(happened), form.dataset.zone ?? "UTC"),
    time_spent_minutes: written(Number(spent)),
    category_id: category,
    origin_id: origin,
  });
  if (does === "correct") {
    for (const name of FIELDS) {
      const input = field(form, name);
      if (!input) continue;
      choosable(input, known[name] ?? "");
      input.value = known[name] ?? "";
      before[name] = input.value;
    }
    const at = field(form, "occurred_at");
    if (at instanceof HTMLInputElement) at.max = wallClock(new Date(), form.dataset.zone ?? "UTC");
  }
  for (const [name, editor] of Object.entries(editors)) {
    const there = article.querySelector(PARTS[name] ?? "");
    // A solution is corrected where there is one, and given by its own command.
    const place = /** @type {HTMLElement} */ (form.querySelector(`[data-field="${name}"]`));
    place.hidden = does === "correct" && name === "solution_html" && !there;
    editor.commands.setContent(there?.innerHTML ?? "");
    before[name] = editor.getHTML();
  }
  showText(form, article, does);
}

/** @param {Changing} changing @param {Date} now */
export function bodyOf({ does, form, editors, before }, now) {
  /** @type {Array<[field: string, word: string]>} */
  const wrong = [];
  /** @type {Record<string, unknown>} */
  const body = {};
  for (const [name, editor] of Object.entries(editors)) {
    const changed = editor.getHTML() !== before[name];
    if (does === "correct" && !changed) continue;
    if (editor.getText().trim() === "") wrong.push([name, "empty"]);
    body[name] = editor.getHTML();
  }
  const changed = (/** @type {string} */ name) => does === "solve" || field(form, name)?.value !== before[name];
  const at = field(form, "occurred_at");
  if (at?.value && changed("occurred_at")) {
    const when = moment(at.value, form.dataset.zone ?? "UTC");
    if (when > now) wrong.push(["occurred_at", "future"]);
    body.occurred_at = when.toISOString();
  }
  const spent = field(form, "time_spent_minutes");
  if (spent && changed("time_spent_minutes")) {
    body.time_spent_minutes = minutes(spent.value);
    if (body.time_spent_minutes === null) wrong.push(["time_spent_minutes", "duration"]);
  }
  for (const name of ["category_id", "origin_id"]) {
    const chosen = field(form, name)?.value;
    if (chosen && changed(name)) body[name] = chosen;
  }
  const unchanged = does === "correct" && Object.keys(body).length === 0;
  if (does === "show" || does === "hide") body.visible_to_requester = does === "show";
  const mailed = field(form, "notify_by_email");
  if (mailed instanceof HTMLInputElement) body.notify_by_email = mailed.checked;
  const hold = Number(form.dataset.hold ?? 0);
  if (does === "show" && body.notify_by_email && hold) body.hold_seconds = hold; // so that it can be undone
  const reason = field(form, "reason")?.value.trim() ?? "";
  if (reason) body.reason = reason;
  else if (does !== "solve") wrong.push(["reason", "reason"]);
  return { body, wrong, unchanged };
}

/** What is no longer offered stays as it is; what is filed cannot be filed under nothing. @param {Element} input @param {string} value */
function choosable(input, value) {
  if (!(input instanceof HTMLSelectElement)) return;
  for (const each of input.options) {
    const barred = each.value === "" ? value !== "" : "retired" in each.dataset && each.value !== value;
    each.hidden = each.disabled = barred;
  }
  if (value && ![...input.options].some((each) => each.value === value)) input.add(new Option(value, value));
}

/** The text that a decision is about. @param {HTMLFormElement} form @param {HTMLElement} article @param {string} does */
function showText(form, article, does) {
  const about = /** @type {HTMLDetailsElement} */ (form.querySelector("[data-about]"));
  const parts = Object.values(PARTS).map((part) => article.querySelector(part)?.cloneNode(true));
  about.querySelector("[data-about-text]")?.replaceChildren(...parts.filter((each) => each !== undefined));
  about.hidden = does === "correct" || does === "solve";
  about.open = !about.hidden;
}
