// @ts-check
// Whether everything is as the log says, and publishing from the log once more.
import { confirmed } from "./confirm.js";
import { keepLooking, see } from "./operate.js";
import { fill, keepRows, row } from "./rows.js";
import { duration } from "./time-left.js";
import { wordsOf } from "./words.js";
import { moment } from "./zone.js";

/** @typedef {{kind: string, ticket_id: string | null, version: number | null, topic: string | null, partition: number | null, offset: number | null, repair: string | null, detail: Record<string, unknown>}} Found */
/** @typedef {{id: number, state: string, name: string, started_at: string, finished_at: string | null, done: number, total: number, trouble: string | null, seconds_left: number | null, wrong: number, findings: Found[], next_after: string | null}} Verified */
/** @typedef {{name: string, path: string, verified: Verified | null}} Check */

const EVERY_MS = 2_000;
/** Each service verifies what is its own. */
const CHECKS = [
  { name: "events", path: "/events" },
  { name: "projections", path: "/projections/history/fold" },
  { name: "mails", path: "/mails/ledger" },
];

const say = wordsOf(document.body);
const numbers = new Intl.NumberFormat(document.documentElement.lang);
const checks = /** @type {HTMLElement} */ (document.querySelector("[data-checks]"));
const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-replay]"));
const strict = /** @type {HTMLFormElement} */ (document.querySelector("[data-strict]"));
const republication = /** @type {HTMLElement} */ (document.querySelector("[data-republication]"));
const cancel = /** @type {HTMLElement} */ (document.querySelector("[data-cancel-job]"));
/** Below which addresses something is under way. @type {string[]} */
let running = [];
/** Pages behind the first, by the address of their check. @type {Map<string, {id: number, findings: Found[], next: string | null}>} */
const further = new Map();

async function look() {
  const seen = ["/events/republication", "/events/importation", "/events/adoption"].map((path) => see(path));
  const [jobs, verified] = await Promise.all([Promise.all(seen), Promise.all(CHECKS.map(({ path }) => see(`${path}/verification`)))]);
  const every = CHECKS.map((check, place) => ({ ...check, verified: verified[place] }));
  keepRows(checks, every, ({ name }) => name, made, renew);
  showReplay(jobs[0]);
  running = every.filter((check) => check.verified?.state === "running").map(({ path }) => path);
  if (jobs.some((job) => job?.state === "running")) running.push("/events");
  cancel.hidden = !running.length;
}

/** @param {Check} check */
function made({ name, path }) {
  const section = row("check", { name: say(name) });
  section.querySelector("[data-more]")?.addEventListener("click", () => void showMore(path));
  return section;
}

/** @param {string} path */
async function showMore(path) {
  const known = further.get(path);
  if (!known?.next) return;
  const page = await see(`${path}/verification?after=${known.next}`);
  if (page.id === known.id) further.set(path, { ...known, findings: [...known.findings, ...page.findings], next: page.next_after });
  await look();
}

/** What is listed of a check: its first page, and those that were asked for. @param {string} path @param {Verified} it */
function listed(path, it) {
  const known = further.get(path);
  const same = known?.id === it.id && known.findings.length ? known : { id: it.id, findings: [], next: it.next_after };
  further.set(path, same);
  return [...it.findings, ...same.findings];
}

/** @param {HTMLElement} section @param {Check} check */
function renew(section, { path, verified: it }) {
  if (!it) return void fill(section, { state: "", summary: say("none") });
  const running = it.state === "running";
  const state = it.state === "done" ? (it.wrong ? "wrong" : "right") : it.state;
  section.dataset.state = { right: "ready", wrong: "failed" }[state] ?? "";
  fill(section, {
    state: say(state),
    summary: say("summary", { name: it.name, done: numbers.format(it.done), total: numbers.format(it.total), wrong: numbers.format(it.wrong) }),
    at: it.finished_at ?? it.started_at,
    left: it.seconds_left === null ? "" : say("left", { time: duration(it.seconds_left) }),
    part: it.done / Math.max(1, it.total),
    trouble: it.trouble,
  });
  section.querySelector("progress")?.toggleAttribute("hidden", !running);
  section.querySelector("table")?.toggleAttribute("hidden", !it.findings.length);
  const rows = /** @type {HTMLElement} */ (section.querySelector("tbody"));
  keepRows(rows, listed(path, it), (found) => JSON.stringify(found), described, () => undefined);
  section.querySelector("[data-more]")?.toggleAttribute("hidden", further.get(path)?.next === null);
}

/** @param {Found} found */
function described(found) {
  const place = found.topic === null ? "" : `${found.topic} ${found.partition}:${found.offset}`;
  const which = [found.ticket_id, found.version === null ? "" : `v${found.version}`].filter(Boolean).join(" ");
  const detail = Object.entries(found.detail).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  const line = row("finding", { kind: found.kind, where: [which, place, ...detail].filter(Boolean).join(" · "), repair: found.repair ?? say("harmless") });
  offer(line, found, "adopt", { ticket_id: found.ticket_id });
  offer(line, found, "accept", { partition: found.partition, offset: found.offset });
  return line;
}

/** What repairs a finding, where the page can do it. @param {HTMLElement} line @param {Found} found @param {"adopt" | "accept"} verb @param {Record<string, unknown>} wish */
function offer(line, found, verb, wish) {
  const tool = /** @type {HTMLElement} */ (line.querySelector(`[data-${verb}]`));
  tool.hidden = !found.repair?.startsWith(`relato events ${verb}`);
  tool.addEventListener("click", async () => {
    const question = { title: say(verb), text: say(`${verb}-text`), because: verb === "accept", asks: [{ path: `/events/${verb}`, wish }] };
    if (await confirmed(question, say)) await look();
  });
}

/** @param {any} replay */
function showReplay(replay) {
  republication.hidden = !replay;
  if (!replay) return;
  fill(republication, {
    summary: say("republished", { name: replay.name, done: numbers.format(replay.done), total: numbers.format(replay.total) }),
    at: replay.finished_at ?? replay.started_at,
    left: replay.seconds_left === null ? "" : say("left", { time: duration(replay.seconds_left) }),
    part: replay.done / Math.max(1, replay.total),
  });
  republication.querySelector("progress")?.toggleAttribute("hidden", replay.state !== "running");
}

async function verify() {
  const given = new FormData(strict).get("outbox_seconds");
  const asks = CHECKS.map(({ name, path }) => ({ path: `${path}/verify`, wish: name === "events" ? { outbox_seconds: Number(given) } : {} }));
  if (await confirmed({ title: say("verify"), text: say("verify-text"), asks }, say)) await look();
}

async function republish() {
  const given = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form)));
  const zone = document.documentElement.dataset.zone ?? "UTC";
  const wish = {
    ticket_id: given.ticket_id.trim() || null,
    type: given.type.trim() || null,
    since: given.since ? moment(given.since, zone).toISOString() : null,
    until: given.until ? moment(given.until, zone).toISOString() : null,
    to: given.to.trim() || null,
    rate: Number(given.rate),
  };
  const question = { title: say("republish"), text: say("republish-text"), asks: [{ path: "/events/republish", wish }], told };
  if (await confirmed(question, say)) await look();
}

/** @param {any[]} given */
function told([replay]) {
  const consumers = replay.consumers.join(", ") || say("nobody");
  return say("would", { records: numbers.format(replay.records), topic: replay.topic, mails: String(replay.mails), consumers });
}

strict.addEventListener("submit", (event) => {
  event.preventDefault();
  if (strict.reportValidity()) void verify();
});
cancel.addEventListener("click", async () => {
  if (await confirmed({ title: say("cancel"), text: say("cancel-text"), asks: [...new Set(running)].map((path) => ({ path: `${path}/cancel` })) }, say)) await look();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void republish();
});
keepLooking(EVERY_MS, look, say);
