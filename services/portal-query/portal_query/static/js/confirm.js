// @ts-check
// The question before an action: what will happen, why it is done, and what a rehearsal says would come of it.
import { act } from "./operate.js";

/** @typedef {import("./words.js").Say} Say */
/** @typedef {{path: string, wish?: Record<string, unknown>}} Ask */
/** @typedef {{title: string, text: string, asks: Ask[], because?: boolean, told?: (given: any[]) => string}} Question ``because``: not even rehearsed without a reason */

const dialog = /** @type {HTMLDialogElement} */ (document.querySelector("[data-question]"));
const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
const [title, text] = /** @type {NodeListOf<HTMLElement>} */ (dialog.querySelectorAll("h2, #question-text"));
const reason = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("reason"));
const found = /** @type {HTMLElement} */ (dialog.querySelector("[data-found]"));
const failure = /** @type {HTMLElement} */ (dialog.querySelector("[data-failure]"));
const announced = /** @type {HTMLElement} */ (document.querySelector("[data-announced]"));
const READ_MS = 8_000;
let goes = 0;
const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (dialog.querySelectorAll("[data-simulate], [data-confirm]"));

dialog.querySelector("[data-cancel]")?.addEventListener("click", () => dialog.close());

/**
 * Ask, rehearse if that is wanted, and do it.
 *
 * @param {Question} question @param {Say} say @returns {Promise<any[] | null>} what each was answered; null where it was not done
 */
export function confirmed(question, say) {
  title.textContent = question.title;
  text.textContent = question.text;
  reason.value = "";
  tell("", "");
  dialog.showModal();
  return new Promise((resolve) => {
    const ended = new AbortController();
    const once = { signal: ended.signal };
    dialog.addEventListener("close", () => { ended.abort(); resolve(null); }, once);
    dialog.querySelector("[data-simulate]")?.addEventListener("click", () => void rehearse(), once);
    form.addEventListener("submit", (event) => { event.preventDefault(); void go(); }, once);

    const rehearse = async () => {
      if (question.because && !reasoned(say)) return;
      const given = await asked(question, true, say, ended.signal);
      if (given && !ended.signal.aborted) tell(question.told?.(given) || say("possible"), "");
    };
    const go = async () => {
      if (!reasoned(say)) return;
      const given = await asked(question, false, say, ended.signal);
      if (!given) return;
      resolve(given);
      if (!ended.signal.aborted) dialog.close();
      announce(question.told?.(given) || say("done"));
    };
  });
}

/** Stands before what the page shows, and goes once it could be read. @param {string} text */
function announce(text) {
  clearTimeout(goes);
  announced.textContent = text;
  goes = window.setTimeout(() => (announced.textContent = ""), READ_MS);
}

/** Whether it was said why, as everything that is done has to. @param {Say} say */
function reasoned(say) {
  const given = reason.value.trim() !== "";
  if (!given) {
    tell("", say("because"));
    reason.setAttribute("aria-invalid", "true");
    reason.focus();
  }
  return given;
}

/**
 * One after the other, each for as long as some are left of what it is about, up to the first refusal or until
 * the question is closed.
 *
 * @param {Question} question @param {boolean} dryRun @param {Say} say @param {AbortSignal} closed @returns {Promise<any[] | null>}
 */
async function asked(question, dryRun, say, closed) {
  tell("", "");
  const why = reason.value.trim();
  for (const each of buttons) each.disabled = true;
  /** @type {any[]} */
  const given = [];
  try {
    for (const { path, wish } of question.asks) {
      let after = null;
      do {
        const answer = await act(path, { ...wish, ...(after && { after }), reason: why, dry_run: dryRun });
        if (!answer.ok) {
          const sofar = given.length ? (question.told?.(given) ?? "") : "";
          tell(sofar, [say(answer.code) || say("refused"), answer.detail].filter(Boolean).join(" "));
          return null;
        }
        given.push(answer.given);
        if (closed.aborted) return given;
        after = answer.given.next_after ?? null;
        if (after) tell(say("going-on", { found: question.told?.(given) ?? "", left: String(answer.given.left) }), "");
      } while (after);
    }
    return given;
  } catch {
    tell("", say("failed"));
    return null;
  } finally {
    for (const each of buttons) each.disabled = false;
  }
}

/** @param {string} good @param {string} bad */
function tell(good, bad) {
  found.textContent = good;
  failure.textContent = bad;
  failure.hidden = !bad;
  reason.removeAttribute("aria-invalid");
}
