// @ts-check
// The question before an action: what will happen, why it is done, and what a rehearsal says would come of it.
import { act } from "./operate.js";

/** @typedef {import("./words.js").Say} Say */
/** @typedef {{path: string, wish?: Record<string, unknown>}} Ask */
/** @typedef {{title: string, text: string, asks: Ask[], because?: boolean, told?: (given: any[]) => string}} Question ``because``: not without a reason */

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
      const given = await asked(question, true, say);
      if (given) tell(question.told?.(given) || say("possible"), "");
    };
    const go = async () => {
      const given = await asked(question, false, say);
      if (!given) return;
      resolve(given);
      dialog.close();
      const said = document.querySelector("[data-announced]");
      if (said) said.textContent = question.told?.(given) || say("done");
    };
  });
}

/** One after the other, up to the first refusal. @param {Question} question @param {boolean} dryRun @param {Say} say @returns {Promise<any[] | null>} */
async function asked(question, dryRun, say) {
  tell("", "");
  const why = reason.value.trim();
  if (question.because && !why) {
    tell("", say("because"));
    reason.focus();
    return null;
  }
  for (const each of buttons) each.disabled = true;
  try {
    const given = [];
    for (const { path, wish } of question.asks) {
      const answer = await act(path, { ...wish, reason: why, dry_run: dryRun });
      if (!answer.ok) {
        tell("", [say(answer.code) || say("refused"), answer.detail].filter(Boolean).join(" "));
        return null;
      }
      given.push(answer.given);
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
}
