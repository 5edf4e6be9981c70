// @ts-check
// The question before an action: what will happen, why it is done, and what a rehearsal says would come of it.
import { act } from "./operate.js";

/** @typedef {import("./words.js").Say} Say */
/** @typedef {import("./operate.js").Answer} Answer */
/** @typedef {{title: string, text: string, path: string, wish?: Record<string, unknown>, told?: (given: any) => string}} Question */

const dialog = /** @type {HTMLDialogElement} */ (document.querySelector("[data-question]"));
const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
const [title, text] = /** @type {NodeListOf<HTMLElement>} */ (dialog.querySelectorAll("h2, #question-text"));
const reason = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("reason"));
const found = /** @type {HTMLElement} */ (dialog.querySelector("[data-found]"));
const failure = /** @type {HTMLElement} */ (dialog.querySelector("[data-failure]"));
const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (dialog.querySelectorAll("[data-simulate], [data-confirm]"));

dialog.querySelector("[data-cancel]")?.addEventListener("click", () => dialog.close());

/**
 * Ask, rehearse if that is wanted, and do it.
 *
 * @param {Question} question @param {Say} say @returns {Promise<any>} what was answered; null where it was not done
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
      const answer = await asked(question, true, say);
      if (answer?.ok) tell(question.told?.(answer.given) || say("possible"), "");
    };
    const go = async () => {
      const answer = await asked(question, false, say);
      if (!answer?.ok) return;
      resolve(answer.given);
      dialog.close();
      const said = document.querySelector("[data-announced]");
      if (said) said.textContent = say("done");
    };
  });
}

/** @param {Question} question @param {boolean} dryRun @param {Say} say @returns {Promise<Answer | null>} */
async function asked(question, dryRun, say) {
  for (const each of buttons) each.disabled = true;
  tell("", "");
  try {
    const answer = await act(question.path, { ...question.wish, reason: reason.value.trim(), dry_run: dryRun });
    if (!answer.ok) tell("", [say(answer.code) || say("refused"), answer.detail].filter(Boolean).join(" "));
    return answer;
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
}
