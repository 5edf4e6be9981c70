// @ts-check
// What the ticket accepts from whoever reads: the server says it, also when the ticket changes while the page is open.
import { everyDialog, isWrittenIn } from "./dialog.js";

/** @returns {ReadonlySet<string>} */
export function accepted() {
  return new Set(head()?.dataset.may?.split(" "));
}

export function head() {
  return /** @type {HTMLElement | null} */ (document.querySelector("[data-may]"));
}

/** What is said above the entries is asked for anew, and with it what can be done. */
export function askAnew() {
  document.querySelector("[data-head]")?.dispatchEvent(new CustomEvent("stale"));
}

document.addEventListener("htmx:afterSettle", () => {
  const may = accepted();
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-needs]"))) {
    each.hidden = !may.has(each.dataset.needs ?? "") && !isWrittenIn(each); // what is written can still be copied
  }
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-lacks]"))) {
    each.hidden = (each.dataset.lacks ?? "").split(" ").some((offer) => may.has(offer));
  }
  for (const dialog of everyDialog()) sayWhetherMailed(dialog);
});

// What changed about the ticket itself while nobody listened is not told again.
document.addEventListener("htmx:sseOpen", askAnew);

/** Whether a mail can go out is said where it would be asked for, also to who has asked for one. @param {HTMLElement} dialog */
function sayWhetherMailed(dialog) {
  const { mailBars, mailAddress = "" } = head()?.dataset ?? {};
  const box = /** @type {HTMLInputElement | null} */ (dialog.querySelector("input[name=notify_by_email]"));
  if (!box || mailBars === undefined) return;
  box.dataset.address = mailAddress;
  box.toggleAttribute("data-barred", mailBars !== "");
  box.disabled = mailBars !== "";
  if (box.disabled) box.checked = false;
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (dialog.querySelectorAll("[data-bars]"))) {
    each.hidden = each.dataset.bars !== mailBars;
  }
  box.dispatchEvent(new Event("change", { bubbles: true }));
}
