// @ts-check
// Changing parameters: asks before something is taken away from people, saves, and shows what then counts.
import { changedAt, publish } from "./facts.js";
import { clearErrors, showFailure } from "./fields.js";
import { wordsOf } from "./words.js";

const say = wordsOf(document.body);
const announced = /** @type {HTMLElement} */ (document.querySelector("[data-announced]"));
const question = /** @type {HTMLDialogElement} */ (document.querySelector("[data-question]"));

for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("tr:has([data-parameter])"))) prepare(row);

/** @param {HTMLElement} row */
function prepare(row) {
  const form = /** @type {HTMLFormElement} */ (row.querySelector("[data-parameter]"));
  const input = /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem("value"));
  const isSwitch = input instanceof HTMLInputElement && input.type === "checkbox";
  input.disabled = false;
  if (isSwitch) input.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void change(row, form, input, isSwitch ? (input.checked ? "S" : "N") : input.value.trim());
  });
}

/**
 * @param {HTMLElement} row @param {HTMLFormElement} form
 * @param {HTMLInputElement | HTMLSelectElement} input @param {string} value
 */
async function change(row, form, input, value) {
  const { parameter = "", before = "", since = "", off, consequence = "" } = form.dataset;
  // A switch says what is so; what was typed or chosen stays, to be saved again.
  const putBack = () => {
    if (input instanceof HTMLInputElement && input.type === "checkbox") input.checked = before === "S";
  };
  clearErrors(form);
  tell(""); // what was said of the change before is not about this one
  if (value === off && value !== before && !(await agrees(row, consequence))) {
    if (input instanceof HTMLSelectElement) input.value = before;
    return putBack();
  }
  for (const each of form.elements) each.toggleAttribute("inert", true);
  try {
    const fact = { number: Number(parameter), value };
    const { ending, code, errors } = await publish("parameters", parameter, fact, since, tell);
    if (ending === "saved") return await showAnew(row);
    if (ending !== "late") putBack();
    if (ending === "meanwhile") form.dataset.since = await lastChanged(parameter);
    tell("");
    showFailure(form, say(ending) || (errors.length ? say("invalid") : say(code)) || say("failed"));
    if (errors.length) input.setAttribute("aria-invalid", "true");
  } catch {
    tell("");
    putBack();
    showFailure(form, say("failed"));
  } finally {
    for (const each of form.elements) each.toggleAttribute("inert", false);
  }
}

/** @param {string} parameter */
async function lastChanged(parameter) {
  const at = await changedAt("parameters", parameter);
  return at ? new Date(at).toISOString() : "";
}

/** @param {string} word */
function tell(word) {
  announced.textContent = word && say(word);
}

/** @param {HTMLElement} row @param {string} consequence @returns {Promise<boolean>} */
function agrees(row, consequence) {
  const [title, text] = /** @type {NodeListOf<HTMLElement>} */ (question.querySelectorAll("h2, p"));
  title.textContent = row.querySelector("[id$=-name]")?.textContent ?? "";
  text.textContent = consequence;
  question.returnValue = "";
  question.showModal();
  return new Promise((resolve) => {
    question.addEventListener("close", () => resolve(question.returnValue === "yes"), { once: true });
  });
}

/** The row as the server now writes it. @param {HTMLElement} row */
async function showAnew(row) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(row.id);
  if (!answer.ok || !fresh) return location.reload();
  const here = document.adoptNode(fresh);
  const focused = row.contains(document.activeElement) ? document.activeElement?.id : undefined;
  row.replaceWith(here);
  prepare(here);
  if (focused) document.getElementById(focused)?.focus();
  tell("saved");
}
