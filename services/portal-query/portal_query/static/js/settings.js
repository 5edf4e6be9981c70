// @ts-check
// What is set for everybody has changed: the page is loaded anew, at once where nobody writes on it, and else when they have.
import { isWriting } from "./dialog.js";
import { leave } from "./leaving.js";
import { askAnew } from "./offers.js";

const place = /** @type {HTMLElement} */ (document.querySelector("[data-settings-news]"));
let known = /** @type {HTMLElement} */ (document.querySelector("main")).dataset.settings;

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.target !== place) return;
  event.preventDefault();
  const template = document.createElement("template");
  template.innerHTML = /** @type {CustomEvent<MessageEvent<string>>} */ (event).detail.data; // ours, as the page is
  const notice = /** @type {HTMLElement} */ (template.content.firstElementChild);
  if (notice.dataset.settings === known) return; // told again, as a stream begins anew
  known = notice.dataset.settings;
  place.replaceChildren(notice);
  if (!isWriting()) return leave(() => location.reload());
  askAnew();
});
document.addEventListener("relato:closed", () => {
  if (place.firstElementChild && !isWriting()) leave(() => location.reload());
});
