// @ts-check
// Deciding about a mail that may not have come: asked once more, and then told by the stream as to everybody.
import { Command } from "./command.js";
import { clearErrors } from "./fields.js";
import { announce, close, show, take, writing } from "./dialog.js";
import { field } from "./note.js";
import { wordsOf } from "./words.js";

const root = /** @type {HTMLElement} */ (document.querySelector("[data-mails]"));
const say = wordsOf(root);
/** Made when they are first asked for. @type {Map<string, (button: HTMLElement) => void>} */
const made = new Map();

document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-decides]"));
  const decision = button?.dataset.decides;
  if (!button || !decision) return;
  if (!made.has(decision)) made.set(decision, make(decision));
  made.get(decision)?.(button);
});

/** @param {string} decision */
function make(decision) {
  const dialog = take(decision);
  const form = writing(dialog, submit);
  const recipient = /** @type {HTMLElement} */ (form.querySelector("[data-recipient]"));
  let command = new Command(form, say);
  let mail = "";

  /** @param {HTMLElement} button */
  function open(button) {
    const asked = /** @type {HTMLElement} */ (button.closest("li")).id.slice("mail-".length);
    if (asked !== mail) {
      mail = asked;
      command = new Command(form, say); // with a key of its own
      form.reset();
    }
    clearErrors(form);
    recipient.textContent = button.dataset.recipient ?? "";
    show(dialog);
    /** @type {HTMLElement} */ (form.querySelector("[data-save]")).focus();
  }

  async function submit() {
    const reason = field(form, "reason")?.value.trim();
    const answer = await command.send(`${root.dataset.action}/${mail}/decision`, { decision, ...(reason && { reason }) });
    if (!answer?.ok) return;
    close(dialog);
    announce(say(`done-${decision}`));
    const entry = /** @type {HTMLElement | null | undefined} */ (document.getElementById(`mail-${mail}`)?.closest("article"));
    entry?.focus(); // the buttons go
  }

  return open;
}
