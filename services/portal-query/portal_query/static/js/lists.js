// @ts-check
// A list of tickets that stays as it is on the server: what changed moves to its place, and the focus goes with it.
import { ask } from "./ask.js";

/** How often rows are asked for that came when somebody scrolled on: the stream does not know that they are here. */
const FURTHER_MS = 20_000;
/** So many are named in one address. */
const NAMED = 100;
const list = /** @type {HTMLElement} */ (document.querySelector("[data-list]"));
const news = /** @type {HTMLElement} */ (document.querySelector("[data-list-news]"));
const first = list.querySelectorAll("[data-activity]").length;

setInterval(() => document.hidden || void askFurther().catch(() => undefined), FURTHER_MS); // no answer: the next time

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.target !== list) return;
  event.preventDefault();
  const { type, data } = /** @type {CustomEvent<MessageEvent<string>>} */ (event).detail;
  if (type === "gone") for (const id of JSON.parse(data)) document.getElementById(`ticket-${id}`)?.remove();
  else putAll(data);
});

/** Those that do not come back are no longer their reader's, or do not belong to what was searched for. */
async function askFurther() {
  const further = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[data-activity]")]).slice(first);
  for (let from = 0; from < further.length; from += NAMED) {
    const part = further.slice(from, from + NAMED);
    const those = part.map(({ id }) => ["ticket", id.slice("ticket-".length)]);
    const answer = await ask(`${list.dataset.those}?${new URLSearchParams([...new URLSearchParams(location.search), ...those])}`);
    if (!answer.ok) return;
    const html = await answer.text();
    const there = new DOMParser().parseFromString(`<table><tbody>${html}</tbody></table>`, "text/html");
    for (const row of part) if (!there.getElementById(row.id)) row.remove();
    putAll(html);
  }
}

/** @param {string} html rows of the list, from the same template as the page */
function putAll(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const rows = /** @type {NodeListOf<HTMLElement>} */ (template.content.querySelectorAll("[data-activity]"));
  const changed = [...rows].reverse().filter(put);
  if (!changed.length) return;
  const said = changed.length === 1 ? news.dataset.one : news.dataset.many;
  news.textContent = (said ?? "").replace("{count}", String(changed.length));
}

/**
 * @param {HTMLElement} row
 * @returns {boolean} whether that is anything new
 */
function put(row) {
  const known = document.getElementById(row.id);
  if (known?.outerHTML === row.outerHTML) return false;
  const shown = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[data-activity]")]);
  const later = shown.find((each) => each !== known && before(row, each));
  const more = list.querySelector(".more");
  if (!known && !later && more) return false; // further down than the list is shown
  const focused = known?.contains(document.activeElement);
  known?.remove();
  list.insertBefore(row, later ?? more);
  if (focused) row.querySelector("a")?.focus({ preventScroll: true });
  const frame = list.closest("table") ?? list;
  if (frame.hidden) document.querySelector(".empty-state")?.remove();
  frame.hidden = false;
  return true;
}

/** @param {HTMLElement} row @param {HTMLElement} other */
function before(row, other) {
  const [one, two] = [row, other].map(({ dataset, id }) => `${dataset.activity} ${id}`);
  return String(one) > String(two);
}
