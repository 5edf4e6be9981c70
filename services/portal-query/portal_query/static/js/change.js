// @ts-check
// What is done to an entry: correcting, solving, retracting, showing and hiding, each with a dialog that says what follows.
import { bodyOf, fill } from "./changes.js";
import { Command } from "./command.js";
import { announce, close, forget, holdsUnsaved, show, take, writing } from "./dialog.js";
import { makeEditor } from "./editor.js";
import { clearErrors, showError, showFailure } from "./fields.js";
import { askBeforeLeaving } from "./leaving.js";
import { onChoice } from "./menu.js";
import { field } from "./note.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./changes.js").Changing} Changing */

const root = /** @type {HTMLElement} */ (document.querySelector("[data-changes]"));
const say = wordsOf(root);
/** Of each entry its own, made when they are first asked for. @type {Map<string, (article: HTMLElement) => void>} */
const made = new Map();

askBeforeLeaving(holdsUnsaved);
onChoice((does, article) => {
  const name = `${does} ${article.id}`;
  const open = made.get(name) ?? make(does, article.id);
  made.set(name, open);
  open(article);
});

/** @param {string} does @param {string} about the entry's id */
function make(does, about) {
  const dialog = take(does, about);
  const form = writing(dialog, submit);
  const command = new Command(form, say);
  const changed = () => void (dialog.dataset.unsaved = ""); // until it is done: closing keeps it
  /** @type {Changing["editors"]} */
  const editors = {};
  for (const frame of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-editor]"))) {
    editors[frame.dataset.editor ?? ""] = makeEditor(frame, changed); // what is pasted is no input
  }
  form.addEventListener("input", changed);
  /** @type {Changing} */
  const changing = { does, form, editors, before: {} };
  let version = "";
  const mailed = field(form, "notify_by_email");
  const save = /** @type {HTMLElement} */ (form.querySelector("[data-save]"));
  if (does === "show" && mailed instanceof HTMLInputElement) mailed.addEventListener("change", consequence);

  function consequence() {
    if (does !== "show" || !(mailed instanceof HTMLInputElement)) return;
    save.textContent = mailed.checked ? say("show-mailed", { address: mailed.dataset.address ?? "" }) : say("show");
  }

  /** @param {HTMLElement} article */
  function open(article) {
    if (!("unsaved" in dialog.dataset)) {
      clearErrors(form);
      version = article.dataset.version ?? "";
      fill(changing, article);
      delete dialog.dataset.unsaved; // nobody has changed anything yet
      consequence();
    }
    // Whoever sees that somebody is writing is whoever will see what.
    const shown = (does === "correct" || does === "solve") && !article.classList.contains("entry-internal");
    dialog.dataset.audience = shown ? "shown" : "internal";
    show(dialog);
    const first = Object.values(editors)[0];
    if (first) first.commands.focus("end");
    else field(form, "reason")?.focus();
  }

  async function submit() {
    clearErrors(form);
    const { body, wrong, unchanged } = bodyOf(changing, new Date());
    for (const [name, word] of wrong) showError(form, name, say(word));
    if (wrong.length) return;
    if (unchanged) return showFailure(form, say("unchanged"));
    const ending = `/${about.slice("entry-".length)}/${form.dataset.action}`;
    const answer = await command.send(root.dataset.action + ending, body, { "If-Match": `"${version}"` });
    if (answer?.code === "version-conflict") showNow();
    if (!answer?.ok) return;
    close(dialog);
    forget(does, about);
    made.delete(`${does} ${about}`);
    document.getElementById(about)?.focus();
    const { occurrence_id: id, release_at: at } = answer.given;
    if (at) document.dispatchEvent(new CustomEvent("relato:held", { detail: { id, at, written: null } }));
    else announce(say(`done-${does}`));
  }

  /** What it says now, beside what was written; from here on that counts as seen. */
  function showNow() {
    const article = document.getElementById(about);
    const known = /** @type {HTMLDetailsElement} */ (form.querySelector("[data-about]"));
    if (!article) return;
    version = article.dataset.version ?? version;
    known.querySelector("[data-about-text]")?.replaceChildren(...copies(article));
    known.hidden = false;
    known.open = true;
    form.querySelector("[data-failure]")?.scrollIntoView({ block: "nearest" }); // which has moved away
  }

  return open;
}

/** @param {HTMLElement} article */
function copies(article) {
  return [...article.querySelectorAll("[data-text] .rich, [data-solution] .rich, del .rich")].map((each) =>
    each.cloneNode(true),
  );
}
