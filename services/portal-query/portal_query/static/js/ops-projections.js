// @ts-check
// Generations of the read models: how far each is, what differs, and what can be done with it.
import { confirmed } from "./confirm.js";
import { keepLooking, see } from "./operate.js";
import { fill, keepRows, row } from "./rows.js";
import { duration } from "./time-left.js";
import { wordsOf } from "./words.js";

/** @typedef {{projection: string, generation: number, state: string, stage: string, applied: number, behind: number | null, rate: number, seconds_left: number | null}} Generation */

const EVERY_MS = 2_000;
/** What can be done in which state: the server decides, this only spares a vain click. @type {Record<string, string[]>} */
const POSSIBLE = {
  preparing: ["pause", "cancel"],
  building: ["verify", "switch", "pause", "cancel"],
  paused: ["resume", "cancel"],
  retired: ["verify", "rollback", "pause", "drop"],
};

const say = wordsOf(document.body);
const numbers = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 0 });
const table = /** @type {HTMLElement} */ (document.querySelector("[data-generations]"));
const verification = /** @type {HTMLElement} */ (document.querySelector("[data-verification]"));
const findings = /** @type {HTMLElement} */ (document.querySelector("[data-findings]"));
const ending = /** @type {HTMLElement} */ (document.querySelector("[data-cancel-verify]"));
const more = /** @type {HTMLElement} */ (document.querySelector("[data-more]"));
/** Pages behind the first, of the comparison with that number. @type {{id: number, findings: any[], next: number | null} | null} */
let further = null;
/** What the page has shown: which generation is live, and what was compared last. @type {{live: number | undefined, last: any}} */
let shown = { live: undefined, last: null };

async function look() {
  const { items, verified_at } = await see("/projections");
  const every = /** @type {Generation[]} */ (items);
  keepRows(table, every, key, made, renew);
  const last = verified_at && (await see("/projections/history/verification"));
  shown = { live: every.find((it) => it.stage === "live")?.generation, last };
  showVerified(last);
}

/** @param {Generation} it */
function key(it) {
  return `${it.projection}/${it.generation}`;
}

/** @param {Generation} it */
function made(it) {
  const line = row("generation", {});
  for (const tool of line.querySelectorAll("button")) tool.addEventListener("click", () => void act(tool.dataset.verb ?? "", it.generation));
  return line;
}

/** @param {HTMLElement} line @param {Generation} it */
function renew(line, it) {
  line.dataset.state = it.state;
  const building = it.state === "building" && it.behind !== null;
  fill(line, {
    name: `${it.projection} · ${it.generation}`,
    state: say(it.state),
    part: building ? it.applied / Math.max(1, it.applied + (it.behind ?? 0)) : 0,
    applied: numbers.format(it.applied),
    behind: it.behind === null ? say("unknown") : numbers.format(it.behind),
    rate: numbers.format(it.rate),
    left: it.seconds_left === null ? "–" : duration(it.seconds_left),
  });
  line.querySelector("progress")?.toggleAttribute("hidden", !building);
  for (const tool of line.querySelectorAll("button")) tool.hidden = !possible(it).includes(tool.dataset.verb ?? "");
}

/** One that is paused is given up as what it is: being built, or kept in reserve. @param {Generation} it */
function possible(it) {
  return it.state === "paused" && it.stage === "retired" ? ["resume", "drop"] : (POSSIBLE[it.state] ?? []);
}

/** @param {string} verb @param {number | null} generation */
async function act(verb, generation) {
  const title = generation === null ? say(verb) : `${say(verb)}: ${say("generation", { number: String(generation) })}`;
  const text = [say(`${verb}-text`), ...(["switch", "rollback"].includes(verb) ? [compared(generation)] : [])].join(" ");
  const done = await confirmed({ title, text, asks: [{ path: `/projections/history/${verb}`, wish: { generation } }] }, say);
  if (done) await look();
}

/** What is to be known before everybody reads another generation. @param {number | null} generation */
function compared(generation) {
  const { live, last } = shown;
  const pair = [last?.generation, last?.against];
  if (last?.state !== "done" || !pair.includes(live) || !pair.includes(generation)) return say("not-compared");
  const zone = document.documentElement.dataset.zone || undefined;
  const time = new Date(last.finished_at).toLocaleString(document.documentElement.lang, { timeZone: zone });
  return say("compared-at", { time, differences: numbers.format(last.differences) });
}

/** @param {any} verified */
function showVerified(verified) {
  verification.hidden = !verified;
  if (!verified) return;
  const running = verified.state === "running";
  ending.hidden = !running;
  fill(verification, {
    summary: say(running ? "comparing" : "compared", {
      name: verified.name,
      number: String(verified.generation),
      other: String(verified.against),
      compared: numbers.format(verified.compared),
      total: numbers.format(verified.total),
      differences: numbers.format(verified.differences),
    }),
    at: verified.finished_at ?? verified.started_at,
    left: verified.seconds_left === null ? "" : say("left", { time: duration(verified.seconds_left) }),
    part: verified.compared / Math.max(1, verified.total),
  });
  verification.querySelector("progress")?.toggleAttribute("hidden", !running);
  if (further?.id !== verified.id) further = null;
  further ??= { id: verified.id, findings: [], next: verified.next_after };
  further.next ??= further.findings.length ? null : verified.next_after;
  more.hidden = further.next === null;
  const found = /** @type {any[]} */ ([...verified.findings, ...further.findings]);
  verification.querySelector("[data-findings-table]")?.toggleAttribute("hidden", !found.length);
  keepRows(findings, found, (it) => JSON.stringify([it.ticket_id, it.part, it.key]), () => row("finding", {}), (line, it) =>
    void fill(line, {
      ticket: it.ticket_id,
      kind: say(it.kind),
      part: it.part,
      row: [it.key && JSON.stringify(it.key), it.columns.join(", ")].filter(Boolean).join(" "),
    }),
  );
}

async function showMore() {
  if (!further?.next) return;
  const page = await see(`/projections/history/verification?after=${further.next}`);
  if (page.id === further.id) further = { ...further, findings: [...further.findings, ...page.findings], next: page.next_after };
  await look();
}

more.addEventListener("click", () => void showMore());
ending.addEventListener("click", async () => {
  const question = { title: say("cancel-verify"), text: say("cancel-verify-text"), asks: [{ path: "/projections/history/verification/cancel" }] };
  if (await confirmed(question, say)) await look();
});
document.querySelector("h1 ~ .tools [data-verb]")?.addEventListener("click", () => void act("rebuild", null));
keepLooking(EVERY_MS, look, say);
