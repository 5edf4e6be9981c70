// @ts-check
// Records that services could not take in: which, why, and what becomes of them.
import { box, chosen, name, pieces } from "./choosing.js";
import { confirmed } from "./confirm.js";
import { KEEPERS, keepLooking, see } from "./operate.js";
import { fill, keepRows, row } from "./rows.js";
import { wordsOf } from "./words.js";

/** @typedef {{service: string, id: string, consumer: string, topic: string, partition: number, offset: number, key: string | null, reason: string, error: string, at: string, tries: number, settled_by: string | null, settled_why: string | null}} Letter */
/** @typedef {{consumer: string, reason: string, state: string, number: number}} Counted */

const EVERY_MS = 5_000;

const say = wordsOf(document.body);
const filters = /** @type {HTMLFormElement} */ (document.querySelector("[data-filters]"));
const state = /** @type {HTMLSelectElement} */ (filters.elements.namedItem("state"));
const because = /** @type {HTMLSelectElement} */ (filters.elements.namedItem("because"));
const consumer = /** @type {HTMLSelectElement} */ (filters.elements.namedItem("consumer"));
const list = /** @type {HTMLElement} */ (document.querySelector("[data-letters]"));
const sheet = /** @type {HTMLDialogElement} */ (document.querySelector("[data-letter]"));
const more = /** @type {HTMLButtonElement} */ (document.querySelector("[data-more]"));
const tools = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-act]"));

/** How many are meant by service when none is chosen. @type {Map<string, number>} */
const waiting = new Map();
let pages = 1;

async function look() {
  const answers = await Promise.all(KEEPERS.map(shown));
  const every = answers.flatMap(({ items }) => items);
  KEEPERS.forEach((service, place) => waiting.set(service, total(answers[place].numbers)));
  more.hidden = answers.every(({ further }) => !further);
  document.querySelector("[data-table]")?.toggleAttribute("hidden", !every.length);
  document.querySelector("[data-empty]")?.toggleAttribute("hidden", every.length > 0);
  const numbers = answers.flatMap((each) => each.numbers);
  offerKinds(because, numbers.map(({ reason }) => reason));
  offerKinds(consumer, numbers.map((each) => each.consumer));
  keepRows(list, every, ({ id }) => id, made, renew);
  offer();
}

/** What is meant without any being chosen. */
function meant() {
  return { ...(because.value && { because: because.value }), ...(consumer.value && { consumer: consumer.value }) };
}

/** @param {string} service @returns {Promise<{items: Letter[], numbers: Counted[], further: boolean}>} as many pages as are asked for */
async function shown(service) {
  /** @type {Letter[]} */
  const items = [];
  /** @type {Counted[]} */
  let numbers = [];
  /** @type {number | null} */
  let after = 0;
  for (let page = 0; page < pages && after !== null; page += 1) {
    const query = new URLSearchParams({ state: state.value, after: String(after), ...meant() });
    const given = await see(`/dead-letters/${service}?${query}`);
    items.push(...given.items.map((/** @type {Letter} */ each) => ({ ...each, service })));
    ({ numbers, next_after: after } = given);
  }
  return { items, numbers, further: after !== null };
}

/** @param {Counted[]} numbers */
function total(numbers) {
  return numbers.reduce((sum, { number }) => sum + number, 0);
}

/** @param {HTMLSelectElement} among @param {string[]} kinds */
function offerKinds(among, kinds) {
  const known = [...among.options].map(({ value }) => value);
  for (const each of new Set(kinds)) if (!known.includes(each)) among.add(new Option(each, each));
}

/** @param {Letter} it */
function made(it) {
  const line = row("letter", {});
  box(line, { value: it.id, name: it.service, label: say("choose", { id: it.id }) }, offer);
  line.querySelector("[data-show]")?.addEventListener("click", () => void show(it));
  return line;
}

/** @param {HTMLElement} line @param {Letter} it */
function renew(line, it) {
  /** @type {HTMLElement} */ (line.querySelector("[data-chosen]")).hidden = state.value !== "parked";
  fill(line, {
    ...described(it),
    at: it.at,
    tries: it.tries,
    settled: it.settled_by && say("settled", { name: it.settled_by, why: it.settled_why ?? "" }),
  });
}

/** @param {Letter} it */
function described(it) {
  return { id: it.id, key: it.key, reason: it.reason, error: it.error, where: `${it.topic} ${it.partition}:${it.offset}${it.key ? ` · ${it.key}` : ""}` };
}

/** @param {Letter} it */
async function show(it) {
  const whole = await see(`/dead-letters/${it.service}/${it.id}`);
  if (!whole) return look();
  const headers = /** @type {[string, string | null][]} */ (whole.headers);
  fill(sheet, {
    ...described(it),
    headers: headers.map(([name, value]) => `${name}: ${value ?? ""}`).join("\n"),
    value: whole.data === null ? (whole.value ?? whole.value_base64 ?? say("nothing")) : JSON.stringify(whole.data, null, 2),
  });
  sheet.showModal();
}

function offer() {
  const number = chosen(list).length;
  for (const tool of tools) {
    tool.disabled = state.value !== "parked" || !list.childElementCount;
    name(tool, number, say(tool.dataset.act ?? ""), say);
  }
}

/** @param {string} verb */
async function act(verb) {
  const picked = chosen(list);
  const asks = KEEPERS.flatMap((service) => asksOf(service, verb, picked));
  const number = picked.length || [...waiting.values()].reduce((one, other) => one + other, 0);
  const title = say(verb);
  const done = await confirmed({ title, text: say(`${verb}-text`, { number: String(number) }), asks, because: verb === "discard", told }, say);
  if (done) await look();
}

/** @param {string} service @param {string} verb @param {HTMLInputElement[]} picked @returns {import("./confirm.js").Ask[]} */
function asksOf(service, verb, picked) {
  const path = `/dead-letters/${service}/${verb}`;
  if (picked.length) {
    const ids = picked.filter(({ name }) => name === service).map(({ value }) => value);
    return pieces(ids).map((named) => ({ path, wish: { ids: named } }));
  }
  return waiting.get(service) ? [{ path, wish: { all: true, ...meant() } }] : [];
}

/** @param {any[]} given */
function told(given) {
  const items = /** @type {{id: string, outcome: string, detail: string}[]} */ (given.flatMap((each) => each.items));
  const good = items.filter(({ outcome }) => ["taken-in", "discarded"].includes(outcome));
  const bad = items.find((each) => !good.includes(each));
  const summary = say("outcome", { good: String(good.length), number: String(items.length) });
  return bad ? `${summary} ${say("rest", { id: bad.id, detail: bad.detail || bad.outcome })}` : summary;
}

for (const tool of tools) tool.addEventListener("click", () => void act(tool.dataset.act ?? ""));
more.addEventListener("click", () => { pages += 1; void look(); });
filters.addEventListener("change", () => { pages = 1; void look(); });
filters.addEventListener("submit", (event) => event.preventDefault());
keepLooking(EVERY_MS, look, say);
