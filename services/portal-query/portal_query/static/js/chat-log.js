// @ts-check
// Puts lines of chat where they belong, newest at the bottom; each is there once.

/** @param {HTMLElement} line of a page or of its stream */
export function putLine(line) {
  const log = /** @type {HTMLElement | null} */ (document.querySelector("[data-chat-log]"));
  if (!log || document.getElementById(line.id)) return;
  const place = log.querySelector(".chat-none") ?? log.lastElementChild;
  const lines = /** @type {HTMLElement[]} */ ([...log.querySelectorAll("[data-line]")]);
  const later = lines.find((each) => version(each) > version(line));
  if (later && later === lines[0] && log.querySelector(".more")) return; // comes with the earlier ones
  const reading = log.scrollHeight - log.scrollTop - log.clientHeight > 80;
  log.insertBefore(line, later ?? place);
  if (!reading) toEnd(log);
  document.dispatchEvent(new CustomEvent("relato:line", { detail: line }));
}

/** @param {HTMLElement} log */
export function toEnd(log) {
  log.scrollTop = log.scrollHeight;
}

/** @param {HTMLElement} line */
function version(line) {
  return Number(line.dataset.version);
}
