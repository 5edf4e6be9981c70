// @ts-check
// The form of a fact: saves it, and says beside each field what is wrong with it.
import { changedAt, publish } from "./facts.js";
import { clearErrors, showError, showFailure } from "./fields.js";
import { askBeforeLeaving } from "./leaving.js";
import { wordsOf } from "./words.js";

const ID = /^[A-Za-z0-9._:-]{1,64}$/;

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-kind]"));
const announced = /** @type {HTMLElement} */ (document.querySelector("[data-announced]"));
const say = wordsOf(document.body);
const { kind = "", key = "" } = form.dataset;

form.addEventListener("input", () => {
  form.dataset.unsaved = "";
  announced.textContent = "";
});
askBeforeLeaving(() => "unsaved" in form.dataset);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void save();
});

function fact() {
  /** @type {Record<string, unknown>} */
  const made = form.dataset.id ? { [key]: form.dataset.id } : {};
  for (const each of form.elements) {
    if (each instanceof HTMLTextAreaElement && each.dataset.lines) made[each.dataset.lines] = lines(each.value);
    if (!each.getAttribute("name")) continue; // a part of a list
    if (each instanceof HTMLInputElement && each.type === "checkbox") made[each.name] = each.checked;
    else if (each instanceof HTMLInputElement || each instanceof HTMLSelectElement || each instanceof HTMLTextAreaElement) {
      if (each.value.trim() || !("optional" in each.dataset)) made[each.name] = each.value.trim();
    }
  }
  for (const list of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-list]"))) {
    const items = /** @type {HTMLElement[]} */ ([...list.children]);
    made[list.dataset.list ?? ""] = items.flatMap((item) => listed(item) ?? []);
  }
  return made;
}

/** @param {string} text */
function lines(text) {
  return text.split("\n").flatMap((line) => line.trim() || []);
}

/** An id; with boxes to check, what is given on it, if anything is. @param {HTMLElement} item */
function listed(item) {
  const boxes = /** @type {HTMLInputElement[]} */ ([...item.querySelectorAll("input")]);
  if (!boxes.length) return item.dataset.item;
  const may = boxes.filter(({ checked }) => checked).map(({ value }) => value);
  return may.length ? { group_id: item.dataset.item, may } : undefined;
}

async function save() {
  clearErrors(form);
  const isNew = !form.dataset.id;
  const made = fact();
  const id = String(made[key]);
  if (!ID.test(id)) return wrong(key);
  try {
    const since = form.dataset.since ?? "";
    const { ending, code, errors } = await publish(kind, id, made, since, (word) => (announced.textContent = say(word)));
    announced.textContent = ending === "saved" ? say("saved") : "";
    if (ending === "saved" || ending === "late") delete form.dataset.unsaved;
    if (ending === "saved") return isNew ? location.assign(`/admin/${kind}/${id}`) : await showChanged(id);
    if (ending === "meanwhile" && isNew) return showError(form, key, say("taken"));
    if (ending === "meanwhile") await know(id);
    const shown = errors.filter(({ pointer }) => wrong(pointer.split("/")[1] ?? ""));
    if (!shown.length) showFailure(form, say(ending) || say(code) || say("failed"));
  } catch {
    announced.textContent = "";
    showFailure(form, say("failed"));
  }
}

/** @param {string} name */
function wrong(name) {
  const input = /** @type {HTMLElement | null} */ (form.querySelector(`[data-field="${CSS.escape(name)}"] [data-wrong]`));
  return showError(form, name, input?.dataset.wrong || say("invalid"));
}

/** @param {string} id */
async function know(id) {
  const at = await changedAt(kind, id);
  form.dataset.since = at ? new Date(at).toISOString() : "";
}

/** @param {string} id */
async function showChanged(id) {
  await know(id);
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector("[data-changed]")?.replaceChildren(...(page.querySelector("[data-changed]")?.childNodes ?? []));
}
