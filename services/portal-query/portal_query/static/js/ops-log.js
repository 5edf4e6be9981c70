// @ts-check
// The last facts of the log as they come, and what is in each.
import { keepLooking, see } from "./operate.js";
import { fill, keepRows, row } from "./rows.js";
import { wordsOf } from "./words.js";

/** @typedef {{id: string, subject: string, streamversion: number, type: string, time: string, actor: string}} Fact */

const EVERY_MS = 2_000;
/** How many are shown at first: what else the page does is below them. */
const FIRST = 20;

const say = wordsOf(document.body);
const filters = /** @type {HTMLFormElement} */ (document.querySelector("[data-filters]"));
const type = /** @type {HTMLSelectElement} */ (filters.elements.namedItem("type"));
const ticket = /** @type {HTMLInputElement} */ (filters.elements.namedItem("ticket"));
const list = /** @type {HTMLElement} */ (document.querySelector("[data-facts]"));
const more = /** @type {HTMLElement} */ (document.querySelector("[data-more]"));
const sheet = /** @type {HTMLDialogElement} */ (document.querySelector("[data-fact]"));

let shown = FIRST;

async function look() {
  if (!filters.reportValidity()) return;
  const query = new URLSearchParams({ ...(type.value && { type: type.value }), ...(ticket.value && { ticket_id: ticket.value }) });
  const facts = /** @type {Fact[]} */ ((await see(`/events/latest?${query}`)).items);
  document.querySelector("[data-table]")?.toggleAttribute("hidden", !facts.length);
  document.querySelector("[data-empty]")?.toggleAttribute("hidden", facts.length > 0);
  keepRows(list, facts.slice(0, shown), ({ id }) => id, made, () => undefined);
  more.hidden = facts.length <= shown;
}

/** @param {Fact} it what never changes */
function made(it) {
  const line = row("fact", { ticket: it.subject, version: `v${it.streamversion}`, type: it.type, at: it.time, actor: it.actor });
  line.querySelector("[data-show]")?.addEventListener("click", () => {
    const title = say("fact", { type: it.type, ticket: it.subject, version: String(it.streamversion) });
    fill(sheet, { title, event: JSON.stringify(it, null, 2) });
    sheet.showModal();
  });
  return line;
}

more.addEventListener("click", () => {
  const next = list.children.length;
  shown = Infinity;
  void look().then(() => /** @type {HTMLElement | undefined} */ (list.children[next]?.querySelector("[data-show]"))?.focus()); // the button goes
});
filters.addEventListener("change", () => void look());
filters.addEventListener("submit", (event) => { event.preventDefault(); void look(); });
keepLooking(EVERY_MS, look, say);
