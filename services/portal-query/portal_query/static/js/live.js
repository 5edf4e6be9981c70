// @ts-check
// What arrives by the ticket's stream is put into the history, or into the chat. htmx's extension holds the connection.
import { putLine } from "./chat-log.js";
import { put } from "./entries.js";

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (!("entries" in target.dataset)) return;
  event.preventDefault();
  const template = document.createElement("template");
  template.innerHTML = /** @type {CustomEvent<MessageEvent<string>>} */ (event).detail.data; // ours, as the page is
  const line = /** @type {HTMLElement | null} */ (template.content.querySelector("[data-line]"));
  if (line) putLine(line);
  else put(target, template.content);
});
