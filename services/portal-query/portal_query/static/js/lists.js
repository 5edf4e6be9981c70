// @ts-check
// A list of tickets that stays as it is on the server: what changed moves to its place, and the focus goes with it.

const list = /** @type {HTMLElement} */ (document.querySelector("[data-list]"));
const news = /** @type {HTMLElement} */ (document.querySelector("[data-list-news]"));

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.target !== list) return;
  event.preventDefault();
  const { type, data } = /** @type {CustomEvent<MessageEvent<string>>} */ (event).detail;
  if (type === "gone") for (const id of JSON.parse(data)) document.getElementById(`ticket-${id}`)?.remove();
  else putAll(data);
});

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
