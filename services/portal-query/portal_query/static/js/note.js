// @ts-check
// From the composer's fields to the command that the API takes.
import { minutes } from "./duration.js";
import { moment } from "./zone.js";

/** @typedef {{body: Record<string, unknown>, wrong: Array<[field: string, word: string]>}} Read */

/** @typedef {import("../vendor/tiptap.js").Editor} TipTap */

/**
 * @param {HTMLFormElement} form @param {string} text the field that the editor is for @param {TipTap} editor
 * @param {Date} now @param {Date} at when it was first sent
 * @returns {Read} the body, and what is wrong with it: fields with the names of the words about them
 */
export function read(form, text, editor, now, at = now) {
  /** @type {Read["wrong"]} */
  const wrong = editor.getText().trim() === "" ? [[text, "empty"]] : [];
  /** @type {Record<string, unknown>} */
  const body = { [text]: editor.getHTML() };
  if (form.dataset.channel) Object.assign(body, { occurred_at: at.toISOString(), channel: form.dataset.channel });
  const happened = field(form, "occurred_at");
  if (happened instanceof HTMLInputElement && happened.value && happened.dataset.touched) {
    const when = moment(happened.value, form.dataset.zone ?? "UTC");
    if (when > now) wrong.push(["occurred_at", "future"]);
    body.occurred_at = when.toISOString();
  }
  const spent = field(form, "time_spent_minutes");
  if (spent) {
    body.time_spent_minutes = minutes(spent.value);
    if (body.time_spent_minutes === null) wrong.push(["time_spent_minutes", "duration"]);
  }
  for (const name of ["category_id", "origin_id"]) {
    const chosen = field(form, name)?.value;
    if (chosen) body[name] = chosen;
  }
  const solution = field(form, "solution_html")?.value.trim();
  if (solution) body.solution_html = paragraphs(solution);
  for (const name of ["visible_to_requester", "notify_by_email"]) {
    const box = field(form, name);
    if (box instanceof HTMLInputElement) body[name] = box.checked;
  }
  const hold = Number(form.dataset.hold ?? 0);
  if (body.visible_to_requester && body.notify_by_email && hold) body.hold_seconds = hold; // so that it can be undone
  return { body, wrong };
}

/** @param {HTMLFormElement} form @param {string} name */
export function field(form, name) {
  const found = form.elements.namedItem(name);
  return found instanceof HTMLInputElement || found instanceof HTMLSelectElement || found instanceof HTMLTextAreaElement
    ? found
    : null;
}

/** @param {string} text */
function paragraphs(text) {
  const place = document.createElement("div");
  for (const block of text.split(/\n\s*\n/)) {
    const paragraph = document.createElement("p");
    paragraph.innerText = block;
    place.append(paragraph);
  }
  return place.innerHTML;
}
