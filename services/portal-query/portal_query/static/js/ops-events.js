// @ts-check
// Whether everything is as the log says, and publishing from the log once more.
import { confirmed } from "./confirm.js";
import { keepLooking, see } from "./operate.js";
import { fill, keepRows, row } from "./rows.js";
import { wordsOf } from "./words.js";
import { moment } from "./zone.js";

/** @typedef {{kind: string, ticket_id: string | null, version: number | null, topic: string | null, partition: number | null, offset: number | null, repair: string | null, detail: Record<string, unknown>}} Found */
/** @typedef {{state: string, name: string, started_at: string, finished_at: string | null, done: number, total: number, trouble: string | null, wrong: number, findings: Found[]}} Verified */
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
const republication = /** @type {HTMLElement} */ (document.querySelector("[data-republication]"));
const cancel = /** @type {HTMLElement} */ (document.querySelector("[data-cancel-job]"));

async function look() {
  const [replay, ...verified] = await Promise.all([see("/events/republication"), ...CHECKS.map(({ path }) => see(`${path}/verification`))]);
  const every = CHECKS.map((check, place) => ({ ...check, verified: verified[place] }));
  keepRows(checks, every, ({ name }) => name, ({ name }) => row("check", { name: say(name) }), renew);
  showReplay(replay);
  cancel.hidden = replay?.state !== "running" && every[0].verified?.state !== "running";
}

/** @param {HTMLElement} section @param {Check} check */
function renew(section, { verified: it }) {
  if (!it) return void fill(section, { state: "", summary: say("none") });
  const running = it.state === "running";
  const state = it.state === "done" ? (it.wrong ? "wrong" : "right") : it.state;
  section.dataset.state = { right: "ready", wrong: "failed" }[state] ?? "";
  fill(section, {
    state: say(state),
    summary: say("summary", { name: it.name, done: numbers.format(it.done), total: numbers.format(it.total), wrong: numbers.format(it.wrong) }),
    at: it.finished_at ?? it.started_at,
    part: it.done / Math.max(1, it.total),
    trouble: it.trouble,
  });
  section.querySelector("progress")?.toggleAttribute("hidden", !running);
  section.querySelector("table")?.toggleAttribute("hidden", !it.findings.length);
  const rows = /** @type {HTMLElement} */ (section.querySelector("tbody"));
  keepRows(rows, it.findings, (found) => JSON.stringify(found), described, () => undefined);
}

/** @param {Found} found */
function described(found) {
  const place = found.topic === null ? "" : `${found.topic} ${found.partition}:${found.offset}`;
  const which = [found.ticket_id, found.version === null ? "" : `v${found.version}`].filter(Boolean).join(" ");
  const detail = Object.entries(found.detail).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return row("finding", { kind: found.kind, where: [which, place, ...detail].filter(Boolean).join(" · "), repair: found.repair ?? say("harmless") });
}

/** @param {any} replay */
function showReplay(replay) {
  republication.hidden = !replay;
  if (!replay) return;
  fill(republication, {
    summary: say("republished", { name: replay.name, done: numbers.format(replay.done), total: numbers.format(replay.total) }),
    at: replay.finished_at ?? replay.started_at,
    part: replay.done / Math.max(1, replay.total),
  });
  republication.querySelector("progress")?.toggleAttribute("hidden", replay.state !== "running");
}

async function verify() {
  const asks = CHECKS.map(({ path }) => ({ path: `${path}/verify` }));
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

document.querySelector("[data-verify]")?.addEventListener("click", () => void verify());
cancel.addEventListener("click", async () => {
  if (await confirmed({ title: say("cancel"), text: say("cancel-text"), asks: [{ path: "/events/cancel" }] }, say)) await look();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void republish();
});
keepLooking(EVERY_MS, look, say);
