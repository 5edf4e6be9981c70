// @ts-check
// The dialogs where notes and messages are written: opening, saying what sending will do, sending, keeping a draft.
import { Command } from "./command.js";
import { announce, close, isWriting, show, take, writing } from "./dialog.js";
import { Draft } from "./draft.js";
import { makeEditor } from "./editor.js";
import { clearErrors, showError } from "./fields.js";
import { field, read } from "./note.js";
import { goToLogin } from "./session.js";
import { wordsOf } from "./words.js";
import { wallClock } from "./zone.js";

/** @typedef {import("./draft.js").Written} Written */

/** @type {Readonly<Record<string, string>>} */
const SAVED = {
  planned: "planned",
  "not-configured": "unmailed",
  disabled: "unmailed",
  "no-address": "unmailed",
};
/** What is kept of what was written; who sees it is decided anew each time. */
const KEPT = ["occurred_at", "time_spent_minutes", "category_id", "origin_id", "solution_html"];

const CLOCK_MS = 5_000;

for (const template of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("template[data-writes]"))) {
  makeComposer(template.dataset.dialog ?? "", template.dataset.writes ?? "");
}

/** @param {string} name @param {string} kind */
function makeComposer(name, kind) {
  const dialog = take(name);
  const form = writing(dialog, submit);
  const save = /** @type {HTMLButtonElement} */ (form.querySelector("[data-save]"));
  const say = wordsOf(dialog);
  const frame = /** @type {HTMLElement} */ (form.querySelector("[data-editor]"));
  const text = frame.dataset.editor ?? "";
  const visible = /** @type {HTMLInputElement | null} */ (field(form, "visible_to_requester"));
  const mailed = /** @type {HTMLInputElement | null} */ (field(form, "notify_by_email"));
  const happened = /** @type {HTMLInputElement | null} */ (field(form, "occurred_at"));
  const draft = new Draft(form, kind, { text, written, restore, clear, reopen: () => open(), say });
  const command = new Command(form, say, draft);
  const editor = makeEditor(frame, () => draft.changed());

  document.addEventListener("click", (event) => {
    const opener = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(`[data-opens="${name}"]`));
    if (opener) open(opener.dataset.channel);
  });
  form.addEventListener("input", () => draft.changed());
  visible?.addEventListener("change", showConsequence);
  mailed?.addEventListener("change", showConsequence);
  happened?.addEventListener("input", () => (happened.dataset.touched = "yes"));
  /** What was tried and not answered is tried again as it was: it happened then. */
  let tried = { key: "", at: new Date() };
  setInterval(() => dialog.open && followClock(), CLOCK_MS);
  draft.begin();
  if (kind === "occurrence") {
    // What comes back was to be seen and mailed, and is again; with what was begun since, nobody has said so.
    document.addEventListener("relato:write", (event) => {
      const shown = written() === null;
      restore(/** @type {CustomEvent<Written>} */ (event).detail);
      draft.changed();
      open(undefined, shown);
    });
  }

  /** @param {string} [channel] by which way it was opened @param {boolean} [shown] to the requester, and by mail; else internal each time */
  function open(channel = kind === "occurrence" ? (visible ? "execution" : "portal") : "", shown = false) {
    form.dataset.channel = channel;
    if (visible) visible.checked = shown;
    if (mailed) mailed.checked = shown;
    followClock();
    showConsequence();
    show(dialog);
    draft.look();
    editor.commands.focus("end");
  }

  /** What is recorded is when it is sent, unless somebody said otherwise: so that is what is shown. */
  function followClock() {
    if (!happened) return;
    happened.max = wallClock(new Date(), form.dataset.zone ?? "UTC");
    if (!happened.dataset.touched && document.activeElement !== happened) happened.value = happened.max;
  }

  function showConsequence() {
    if (mailed) mailed.disabled = (visible !== null && !visible.checked) || "barred" in mailed.dataset;
    if (mailed?.disabled) mailed.checked = false;
    const word = mailed?.checked ? "mailed" : !visible ? "send" : visible.checked ? "shown" : "internal";
    save.textContent = say(word, { address: mailed?.dataset.address ?? "" });
    dialog.dataset.audience = word === "internal" ? "internal" : "shown";
  }

  async function submit() {
    clearErrors(form);
    const now = new Date();
    const at = tried.key === draft.key ? tried.at : now;
    const { body, wrong } = read(form, text, editor, now, at);
    for (const [of, word] of wrong) showError(form, of, say(word));
    if (wrong.length) return;
    tried = { key: draft.key, at };
    const answer = await command.send(form.dataset.action ?? "", body);
    if (answer?.code === "unauthenticated") {
      draft.stash();
      if (!isWriting(dialog)) goToLogin(); // else the login is offered, and what is begun elsewhere on the page stays
    }
    if (answer?.code === "idempotency-key-reused") draft.used();
    if (answer?.ok) done(answer.given);
  }

  /** @param {Record<string, string>} given */
  function done({ notification = "", occurrence_id: id, release_at: at }) {
    const sent = written();
    form.reset();
    clear();
    draft.discard();
    close(dialog);
    if (at) document.dispatchEvent(new CustomEvent("relato:held", { detail: { id, at, written: sent } }));
    else announce(say(SAVED[notification] ?? "saved"));
  }

  /** @returns {Written | null} null where there is nothing to keep */
  function written() {
    const fields = KEPT.filter((each) => each !== "occurred_at" || happened?.dataset.touched)
      .map((each) => [each, field(form, each)?.value ?? ""])
      .filter(([, value]) => value);
    const html = editor.getText().trim() === "" ? "" : editor.getHTML();
    return html || fields.length ? { [text]: html, ...Object.fromEntries(fields) } : null;
  }

  function clear() {
    editor.commands.clearContent();
    for (const each of KEPT) {
      const input = field(form, each);
      if (input) input.value = "";
    }
    if (!happened) return;
    delete happened.dataset.touched;
    happened.value = happened.max;
  }

  /** Before what is there: nothing that was written is lost. @param {Written} before */
  function restore(before) {
    const here = editor.getText().trim() === "" ? "" : editor.getHTML();
    editor.commands.setContent((before[text] ?? "") + here);
    for (const each of KEPT) {
      const input = field(form, each);
      const untouched = input === happened && !happened?.dataset.touched;
      if (!input || !before[each] || (input.value && !untouched)) continue;
      input.value = before[each];
      if (happened && input === happened) happened.dataset.touched = "yes";
    }
  }
}
