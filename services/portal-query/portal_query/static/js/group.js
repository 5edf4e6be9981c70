// @ts-check
// The lists in a group's form: people and other groups are put in and taken out. Saving is entity.js's.
import { offerLogin } from "./session.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-kind=groups]"));
const person = /** @type {HTMLInputElement} */ (form.querySelector("[data-add-person]"));
const other = /** @type {HTMLSelectElement} */ (form.querySelector("[data-add-group]"));

form.addEventListener("click", ({ target }) => {
  const button = /** @type {Element} */ (target).closest("button");
  if (button?.matches("[data-remove]")) takeOut(button);
  if (button?.dataset.add === "member_ids") void addPerson();
  if (button?.dataset.add === "permissions" && other.value) {
    put("permissions", other.value, other.selectedOptions[0]?.text ?? other.value);
  }
});
person.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault(); // the form is not sent by it
  void addPerson();
});

/** The focus stays in the list, or goes to where one puts in. @param {HTMLButtonElement} button */
function takeOut(button) {
  const item = button.closest("[data-item]");
  const field = button.closest("fieldset");
  const next = /** @type {HTMLElement | null} */ ((item?.nextElementSibling ?? item?.previousElementSibling)?.querySelector("[data-remove]") ?? null);
  item?.remove();
  (next ?? /** @type {HTMLElement | null} */ (field?.querySelector(".listed-add > :is(input, select)")))?.focus();
  changed();
}

async function addPerson() {
  const id = person.value.trim();
  wrong(false);
  if (!id) return;
  const answer = await fetch(`/api/portal/admin/people/${encodeURIComponent(id)}`).catch(() => null);
  if (answer?.status === 401) return offerLogin();
  if (!answer?.ok) return wrong(true);
  put("member_ids", id, (await answer.json()).name);
  person.value = "";
}

/** @param {boolean} is */
function wrong(is) {
  const place = /** @type {HTMLElement} */ (form.querySelector("#group-member-error"));
  place.textContent = is ? (person.dataset.wrong ?? "") : "";
  place.hidden = !is;
  person.toggleAttribute("aria-invalid", is);
  if (is) person.focus();
}

/** Each is in a list once. @param {string} name @param {string} id @param {string} shown */
function put(name, id, shown) {
  const list = /** @type {HTMLElement} */ (form.querySelector(`[data-list="${name}"]`));
  if (list.querySelector(`[data-item="${CSS.escape(id)}"]`)) return;
  const template = /** @type {HTMLTemplateElement} */ (list.closest("fieldset")?.querySelector("template"));
  const item = /** @type {HTMLElement} */ (document.importNode(template.content, true).firstElementChild);
  item.dataset.item = id;
  item.querySelector("[role=group]")?.setAttribute("aria-label", shown);
  const place = item.querySelector("[data-id]");
  if (place) place.textContent = id;
  /** @type {HTMLElement} */ (item.querySelector("[data-name]")).textContent = shown;
  const button = /** @type {HTMLElement} */ (item.querySelector("[data-remove]"));
  button.ariaLabel = `${button.title} ${shown}`;
  list.append(item);
  changed();
}

function changed() {
  form.dispatchEvent(new Event("input", { bubbles: true }));
}
