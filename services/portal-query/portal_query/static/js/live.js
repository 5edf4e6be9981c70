// @ts-check
// What arrives by the ticket's stream is put into the history. htmx's extension holds the connection.
import { put } from "./entries.js";

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (!("entries" in target.dataset)) return;
  event.preventDefault();
  put(target, /** @type {CustomEvent<MessageEvent<string>>} */ (event).detail.data);
});
