// @ts-check
// Shows who else is there. Each part of what comes stands once on the page: that somebody writes, where one looks.
import { put } from "./places.js";

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (!("presence" in target.dataset)) return;
  event.preventDefault();
  const template = document.createElement("template");
  template.innerHTML = /** @type {CustomEvent<MessageEvent<string>>} */ (event).detail.data; // ours, as the page is
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (template.content.querySelectorAll("[data-part]"))) {
    put(part.dataset.part ?? "", part);
  }
});
