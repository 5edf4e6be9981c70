// @ts-check
// Mails by state: each with all attempts, what can be done with it, and whether any go out at all.
import { box, chosen, name, pieces } from "./choosing.js";
import { confirmed } from "./confirm.js";
import { keepLooking, see } from "./operate.js";
import { fill, keepRows, row } from "./rows.js";
import { wordsOf } from "./words.js";

/** @typedef {{mail_id: string, ticket_id: string, recipient: string, template_id: string, state: string, attempts: number, updated_at: string, reason: string | null}} Mail */

const EVERY_MS = 5_000;
/** What can be done in which state: the server decides, this only spares a vain click. @type {Record<string, string[]>} */
const POSSIBLE = {
  planned: ["drop"],
  retry: ["retry", "drop"],
  rejected: ["retry", "drop"],
  dead: ["retry", "drop"],
  uncertain: ["resend", "drop"],
  suppressed: ["release", "drop"],
  "": ["retry", "release", "drop"],
};

const say = wordsOf(document.body);
const filters = /** @type {HTMLFormElement} */ (document.querySelector("[data-filters]"));
const state = /** @type {HTMLSelectElement} */ (filters.elements.namedItem("state"));
const because = /** @type {HTMLInputElement} */ (filters.elements.namedItem("because"));
const ticket = /** @type {HTMLInputElement} */ (filters.elements.namedItem("ticket"));
const list = /** @type {HTMLElement} */ (document.querySelector("[data-mails]"));
const more = /** @type {HTMLButtonElement} */ (document.querySelector("[data-more]"));
const stopped = /** @type {HTMLElement} */ (document.querySelector("[data-stopped]"));
const tools = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-act]"));
const absent = /** @type {HTMLElement} */ (document.querySelector("[data-absent]"));
const sheet = /** @type {HTMLDialogElement} */ (document.querySelector("[data-mail]"));
let pages = 1;

async function look() {
  const [sending, mails] = await Promise.all([see("/sending"), shown()]);
  showSending(sending);
  document.querySelector("[data-table]")?.toggleAttribute("hidden", !mails.length);
  document.querySelector("[data-empty]")?.toggleAttribute("hidden", mails.length > 0);
  keepRows(list, mails, ({ mail_id }) => mail_id, made, renew);
  offer();
}

/** Which mails are meant when none is chosen. @returns {Record<string, string>} */
function meant() {
  const given = { state: state.value, ticket_id: ticket.value.trim(), because: because.value.trim() };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
}

/** @returns {Promise<Mail[]>} */
async function shown() {
  /** @type {Mail[]} */
  const items = [];
  /** @type {string | null} */
  let after = null;
  for (let page = 0; page < pages; page += 1) {
    const query = new URLSearchParams({ ...meant(), ...(after && { after }) });
    const given = await see(`/mails?${query}`);
    items.push(...given.items);
    after = given.next_after;
    if (!after) break;
  }
  more.hidden = !after;
  return items;
}

/** @param {{stopped: boolean, since: string | null, name: string | null, reason: string | null, waiting: number}} sending */
function showSending(sending) {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-sending]")))
    button.hidden = (button.dataset.sending === "start") !== sending.stopped;
  stopped.hidden = !sending.stopped;
  if (!sending.stopped || !sending.since) return;
  const time = new Date(sending.since).toLocaleString(document.documentElement.lang, { timeZone: document.documentElement.dataset.zone });
  const reason = sending.reason ? `“${sending.reason}”.` : "";
  const text = say("stopped", { time, name: sending.name ?? "", reason, number: String(sending.waiting) });
  if (stopped.textContent !== text) stopped.textContent = text;
}

/** @param {string} name */
function named(name) {
  return say(name === "retry" ? "retry-state" : name);
}

/** @param {Mail} it */
function made(it) {
  const line = row("mail", { recipient: it.recipient, ticket: it.ticket_id });
  box(line, { value: it.mail_id, label: say("choose", { recipient: it.recipient, ticket: it.ticket_id }) }, offer);
  line.querySelector("[data-show]")?.addEventListener("click", () => void show(it.mail_id));
  for (const tool of /** @type {NodeListOf<HTMLElement>} */ (line.querySelectorAll("[data-verb]")))
    tool.addEventListener("click", () => void act(tool.dataset.verb ?? "", it));
  return line;
}

/** @param {HTMLElement} line @param {Mail} it */
function renew(line, it) {
  line.dataset.state = it.state === "accepted" ? "ready" : it.state === "uncertain" || it.state === "dead" ? "failed" : "";
  /** @type {HTMLElement} */ (line.querySelector("[data-chosen]")).hidden = !POSSIBLE[it.state];
  fill(line, { state: named(it.state), reason: it.reason, at: it.updated_at, attempts: it.attempts });
  for (const tool of /** @type {NodeListOf<HTMLElement>} */ (line.querySelectorAll("[data-verb]")))
    tool.hidden = !POSSIBLE[it.state]?.includes(tool.dataset.verb ?? "");
}

/** @param {string} mailId */
async function show(mailId) {
  const whole = await see(`/mails/${mailId}`);
  if (!whole) return look();
  fill(sheet, {
    subject: whole.subject ?? whole.mail_id,
    recipient: whole.recipient,
    state: named(whole.state),
    reason: whole.reason,
    text: whole.text ?? say("nothing"),
  });
  const answers = /** @type {HTMLElement} */ (sheet.querySelector("[data-answers]"));
  answers.replaceChildren();
  keepRows(answers, whole.answers, (/** @type {any} */ it) => `${it.attempt} ${it.at} ${it.outcome}`, (it) =>
    row("answer", { at: it.at, outcome: named(it.outcome), answer: [it.code, it.answer].filter(Boolean).join(" ") }), () => undefined);
  sheet.showModal();
}

function offer() {
  const number = chosen(list).length;
  for (const tool of tools) {
    const verb = tool.dataset.act ?? "";
    tool.hidden = !POSSIBLE[state.value]?.includes(verb);
    // What may have gone out is sent again where somebody has looked at each.
    tool.disabled = !list.childElementCount || (verb === "resend" && !number);
    name(tool, number, say(verb), say);
  }
}

/** @param {HTMLButtonElement} tool */
async function actOnMany(tool) {
  const verb = tool.dataset.act ?? "";
  const path = `/mails/${verb}`;
  const ids = chosen(list).map(({ value }) => value);
  const asks = ids.length ? pieces(ids).map((named) => ({ path, wish: { mail_ids: named } })) : [{ path, wish: { all: true, ...meant() } }];
  const text = [say(`${verb}-many`), ids.length ? "" : say("filtered")].filter(Boolean).join(" ");
  const done = await confirmed({ title: tool.textContent?.trim() ?? "", text, asks, told }, say);
  if (!done) return;
  for (const each of chosen(list)) each.checked = false;
  await look();
}

/** @param {string} verb @param {Mail} it */
async function act(verb, it) {
  const ask = { path: `/mails/${verb}`, wish: { mail_ids: [it.mail_id] } };
  const title = `${say(verb)}: ${it.recipient}`;
  const done = await confirmed({ title, text: say(`${verb}-text`), asks: [ask], told }, say);
  if (done) await look();
}

/** @param {any[]} given */
function told(given) {
  const items = /** @type {{outcome: string, detail: string}[]} */ (given.flatMap((each) => each.items));
  const good = items.filter(({ outcome }) => outcome === "done").length;
  const refused = items.find(({ outcome }) => outcome !== "done");
  return [say("outcome", { good: String(good), number: String(items.length) }), refused?.detail].filter(Boolean).join(" ");
}

/** @param {string} verb */
async function switchSending(verb) {
  const done = await confirmed({ title: say(verb), text: say(`${verb}-text`), asks: [{ path: `/sending/${verb}` }] }, say);
  if (done) await look();
}

/** The state that another page has led to. */
function chooseNamed() {
  const named = new URLSearchParams(location.search).get("state");
  if (named && [...state.options].some(({ value }) => value === named)) state.value = named;
}

/** The mail that another page has led to. */
async function showNamed() {
  const mailId = new URLSearchParams(location.search).get("mail");
  if (!mailId) return;
  const known = /^[0-9a-f-]{36}$/i.test(mailId) && (await see(`/mails/${mailId}`).catch(() => null));
  absent.hidden = Boolean(known);
  if (known) await show(mailId);
}

for (const tool of tools) tool.addEventListener("click", () => void actOnMany(tool));
for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-sending]")))
  button.addEventListener("click", () => void switchSending(button.dataset.sending ?? ""));
more.addEventListener("click", () => { pages += 1; void look(); });
filters.addEventListener("change", () => { pages = 1; void look(); });
filters.addEventListener("submit", (event) => { event.preventDefault(); void look(); });
chooseNamed();
void showNamed();
keepLooking(EVERY_MS, look, say);
