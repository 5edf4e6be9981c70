// @ts-check
// The dialog where a note is written: opening, saying what saving will do, saving.
import { makeEditor } from "./editor.js";
import { clearErrors, showError, showFailure } from "./fields.js";
import { field, read } from "./note.js";
import { goToLogin } from "./session.js";
import { wordsOf } from "./words.js";
import { wallClock } from "./zone.js";

/** @type {Readonly<Record<string, string>>} */
const SAVED = {
  planned: "planned",
  "not-configured": "unmailed",
  disabled: "unmailed",
  "no-address": "unmailed",
};

const dialog = /** @type {HTMLDialogElement} */ (document.querySelector("[data-composer]"));
const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
const save = /** @type {HTMLButtonElement} */ (form.querySelector("[data-save]"));
const say = wordsOf(dialog);
const editor = makeEditor(/** @type {HTMLElement} */ (form.querySelector("[data-editor]")), () => {});
const visible = /** @type {HTMLInputElement | null} */ (field(form, "visible_to_requester"));
const mailed = /** @type {HTMLInputElement | null} */ (field(form, "notify_by_email"));
const at = /** @type {HTMLInputElement | null} */ (field(form, "occurred_at"));
/** One key for what is being written: trying again does not do it twice. */
let key = newKey();

for (const opener of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-opens="note"]'))) {
  opener.addEventListener("click", () => open(opener.dataset.channel ?? "execution"));
}
form.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void submit();
});
// Captured, since the editor would keep both keys for itself.
form.addEventListener("keydown", onKey, true);
visible?.addEventListener("change", showConsequence);
mailed?.addEventListener("change", showConsequence);
at?.addEventListener("input", () => (at.dataset.touched = "yes"));

/** @param {KeyboardEvent} event */
function onKey(event) {
  const sends = event.key === "Enter" && event.ctrlKey;
  if (!sends && event.key !== "Escape") return;
  event.preventDefault();
  event.stopPropagation();
  if (sends) void submit();
  else dialog.close(); // what was written stays in it
}

function newKey() {
  // randomUUID is there on encrypted connections alone.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} channel */
function open(channel) {
  form.dataset.channel = channel;
  if (visible) visible.checked = false; // internal each time
  if (at && !at.dataset.touched) {
    at.value = at.max = wallClock(new Date(), form.dataset.zone ?? "UTC");
  }
  showConsequence();
  dialog.showModal();
  editor.commands.focus("end");
}

function showConsequence() {
  if (!visible || !mailed) {
    save.textContent = say("send");
    return;
  }
  mailed.disabled = !visible.checked || "barred" in mailed.dataset;
  if (mailed.disabled) mailed.checked = false;
  const word = mailed.checked ? "mailed" : visible.checked ? "shown" : "internal";
  save.textContent = say(word, { address: mailed.dataset.address ?? "" });
  dialog.dataset.audience = visible.checked ? "shown" : "internal";
}

async function submit() {
  if (save.disabled) return;
  clearErrors(form);
  const { body, wrong } = read(form, editor.getHTML(), editor.getText().trim() === "", new Date());
  for (const [name, word] of wrong) showError(form, name, say(word));
  if (wrong.length) return;
  save.disabled = true;
  try {
    await post(body);
  } catch {
    showFailure(form, say("failed")); // no answer came: the same key makes trying again safe
  } finally {
    save.disabled = false;
  }
}

/** @param {Record<string, unknown>} body */
async function post(body) {
  const answer = await fetch(form.dataset.action ?? "", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify(body),
  });
  if (answer.status === 401) return goToLogin();
  const given = await answer.json();
  if (answer.ok) return done(given.notification);
  if (answer.status === 422) key = newKey(); // what comes next is another body
  const errors = /** @type {Array<{pointer: string}>} */ (given.errors ?? []);
  const beside = errors.filter(({ pointer }) => {
    const name = pointer.slice(1);
    const word = name === "occurred_at" ? "future" : name === "description_html" ? "empty" : "invalid";
    return showError(form, name, say(word));
  });
  if (!beside.length) showFailure(form, say(given.type?.split("/").pop() ?? "") || say("failed"));
}

/** @param {string} notification */
function done(notification) {
  key = newKey();
  form.reset();
  delete at?.dataset.touched;
  editor.commands.clearContent();
  dialog.close();
  const announced = document.querySelector("[data-announced]");
  if (announced) announced.textContent = say(SAVED[notification] ?? "saved");
}
