// @ts-check
// The form of an e-mail template: variables are put in, languages added and removed, the whole is saved.
import { changedAt, publish } from "./facts.js";
import { clearErrors, showError, showFailure } from "./fields.js";
import { askBeforeLeaving } from "./leaving.js";
import { beside } from "./trial_words.js";
import { wordsOf } from "./words.js";

const ID = /^[A-Za-z0-9._:-]{1,64}$/;

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-template]"));
const variants = /** @type {HTMLElement} */ (form.querySelector("[data-variants]"));
const adders = /** @type {HTMLElement} */ (form.querySelector("[data-new-variants]"));
const announced = /** @type {HTMLElement} */ (document.querySelector("[data-announced]"));
const say = wordsOf(document.body);
let last = /** @type {HTMLTextAreaElement | null} */ (form.querySelector("textarea"));

offerLanguages();
form.addEventListener("focusin", ({ target }) => {
  if (target instanceof HTMLTextAreaElement) last = target;
});
form.addEventListener("input", ({ target }) => {
  if (/** @type {Element} */ (target).closest("[data-example]")) return; // what a preview is made of is not saved
  form.dataset.unsaved = "";
  announced.textContent = "";
});
form.addEventListener("click", ({ target }) => {
  const button = /** @type {Element} */ (target).closest("button");
  if (button?.dataset.variable) putVariable(button.dataset.variable);
  if (button?.dataset.language) addLanguage(button.dataset.language);
  if (button?.matches("[data-drop]")) dropLanguage(/** @type {HTMLElement} */ (button.closest("[data-variant]")));
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void save();
});
askBeforeLeaving(() => "unsaved" in form.dataset);

/** @param {string} name */
function putVariable(name) {
  if (!last?.isConnected) return;
  last.focus();
  last.setRangeText(`{{ ${name} }}`, last.selectionStart, last.selectionEnd, "end");
  last.dispatchEvent(new Event("input", { bubbles: true }));
}

/** A new language begins with what the first one says, to be translated. @param {string} code */
function addLanguage(code) {
  const first = variants.firstElementChild;
  const template = /** @type {HTMLTemplateElement} */ (adders.querySelector(`template[data-language="${code}"]`));
  variants.append(document.importNode(template.content, true));
  const added = /** @type {HTMLElement} */ (variants.lastElementChild);
  const from = [...(first?.querySelectorAll("textarea") ?? [])];
  const parts = [...added.querySelectorAll("textarea")];
  parts.forEach((part, number) => (part.value = from[number]?.value ?? ""));
  offerLanguages();
  parts[0]?.dispatchEvent(new Event("input", { bubbles: true }));
  parts[0]?.focus();
}

/** @param {HTMLElement} section */
function dropLanguage(section) {
  section.remove();
  offerLanguages();
  form.dispatchEvent(new Event("input", { bubbles: true }));
  /** @type {HTMLElement | null} */ (adders.querySelector(`button[data-language="${section.dataset.variant}"]`))?.focus();
}

/** Each language is there once, and the last one stays. */
function offerLanguages() {
  const there = sections().map(({ dataset }) => dataset.variant);
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (adders.querySelectorAll("button"))) {
    each.hidden = there.includes(each.dataset.language);
  }
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (variants.querySelectorAll("[data-drop]"))) {
    each.hidden = there.length < 2;
  }
}

function sections() {
  return /** @type {HTMLElement[]} */ ([...variants.querySelectorAll("[data-variant]")]);
}

/** @param {HTMLElement} section */
export function variant(section) {
  const parts = /** @type {HTMLTextAreaElement[]} */ ([...section.querySelectorAll("[data-part]")]);
  return Object.fromEntries([["language", section.dataset.variant], ...parts.map((each) => [each.dataset.part, each.value])]);
}

/** @param {string} name */
function value(name) {
  return /** @type {HTMLInputElement | null} */ (form.elements.namedItem(name))?.value.trim() ?? "";
}

/** @param {string} name @param {string} [text] */
function wrong(name, text) {
  const input = /** @type {HTMLElement | null} */ (form.querySelector(`[data-field="${CSS.escape(name)}"] [data-wrong]`));
  return showError(form, name, text || input?.dataset.wrong || say("invalid"));
}

async function save() {
  clearErrors(form);
  const isNew = !form.dataset.template;
  const id = form.dataset.template || value("template_id");
  if (!ID.test(id)) return wrong("template_id");
  const shown = sections();
  const fact = { template_id: id, name: value("name"), variants: shown.map(variant) };
  try {
    const since = form.dataset.since ?? "";
    const { ending, code, errors } = await publish("email-templates", id, fact, since, (word) => (announced.textContent = say(word)));
    announced.textContent = ending === "saved" ? say("saved") : "";
    if (ending === "meanwhile" && isNew) return wrong("template_id", say("taken"));
    const at = ending === "refused" ? 0 : await changedAt("email-templates", id);
    if (at) form.dataset.since = new Date(at).toISOString();
    if (ending === "saved" || ending === "late") delete form.dataset.unsaved;
    if (ending === "saved") return isNew ? location.assign(`/admin/email-templates/${id}`) : undefined;
    const placed = errors.filter((error) => {
      const [, first = "", number, part] = error.pointer.split("/");
      return part ? wrong(`${shown[Number(number)]?.dataset.variant}/${part}`, beside(error)) : wrong(first);
    });
    if (!placed.length) showFailure(form, say(ending) || say(code) || say("failed"));
  } catch {
    announced.textContent = "";
    showFailure(form, say("failed"));
  }
}
