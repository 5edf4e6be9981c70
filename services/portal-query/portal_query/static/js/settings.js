// @ts-check
// What the page says is no longer so: what is set for everybody has changed, or the ticket has another requester. It is
// loaded anew, at once where nobody writes on it, and else when they have.
import { isWriting } from "./dialog.js";
import { leave } from "./leaving.js";
import { askAnew, head } from "./offers.js";
import { put } from "./places.js";

const place = /** @type {HTMLElement} */ (document.querySelector("[data-settings-news]"));
let known = /** @type {HTMLElement} */ (document.querySelector("main")).dataset.settings;
let requester = head()?.dataset.requester;
put("changed", place);

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.target !== place) return;
  event.preventDefault();
  const template = document.createElement("template");
  template.innerHTML = /** @type {CustomEvent<MessageEvent<string>>} */ (event).detail.data; // ours, as the page is
  const notice = /** @type {HTMLElement} */ (template.content.firstElementChild);
  if (notice.dataset.settings === known) return; // told again, as a stream begins anew
  known = notice.dataset.settings;
  tell(notice, "[data-settings]");
  if (isWriting()) askAnew();
});
document.addEventListener("htmx:afterSettle", () => {
  const now = head();
  if (!now?.dataset.requester || now.dataset.requester === requester) return;
  requester = now.dataset.requester;
  const notice = now.querySelector("template")?.content.firstElementChild?.cloneNode(true);
  tell(/** @type {HTMLElement} */ (notice), "[data-whose]");
});
document.addEventListener("relato:closed", () => {
  if (place.firstElementChild && !isWriting()) leave(() => location.reload());
});

/** @param {HTMLElement} notice @param {string} kind what it replaces */
function tell(notice, kind) {
  place.querySelector(kind)?.remove();
  place.append(notice);
  if (!isWriting()) leave(() => location.reload());
}
