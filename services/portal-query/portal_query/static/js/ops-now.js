// @ts-check
// What happens now: what waits for a person, five plots, and which processes are ready.
import { KEEPERS, keepLooking, see } from "./operate.js";
import { Plot } from "./plot.js";
import { fill, keepRows, row } from "./rows.js";
import { Looks } from "./samples.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./samples.js").Watched} Watched */

const SERVICES = [...KEEPERS, "portal-query"];
const EVERY_MS = 2_000;

const say = wordsOf(document.body);
const numbers = new Intl.NumberFormat(document.documentElement.lang);
const needs = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-need]"));
const table = /** @type {HTMLElement} */ (document.querySelector("[data-services]"));
const figures = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-plot]"));
const plots = new Map([...figures].map((figure) => [figure.dataset.plot ?? "", new Plot(figure)]));
const looks = new Looks();

/**
 * How many wait, by what the page calls them; null where nobody knows. A ticket is parked by each generation.
 *
 * @type {Record<string, () => number | null>}
 */
const WAITING = {
  letters: () => looks.total("relato_dead_letters_waiting"),
  uncertain: () => looks.total("relato_mails", ({ state }) => state === "uncertain"),
  dead: () => looks.total("relato_mails", ({ state }) => state === "dead"),
  parked: () => looks.greatest("relato_parked_tickets"),
};

async function look() {
  const answers = await Promise.all(SERVICES.map((name) => see(`/services/${name}`).catch(() => null)));
  for (const each of answers) if (each) looks.add(each);
  if (!answers.some(Boolean)) throw new Error("nothing answers");
  const silent = SERVICES.filter((_name, place) => !answers[place]);
  show(silent);
  for (const need of needs) showNeed(need, WAITING[need.dataset.need ?? ""]?.() ?? null);
  // A generation that is built, or kept in reserve, holds nobody up.
  const live = `history/${looks.greatest("relato_live_generation")}`;
  const at = Date.now() / 1000;
  plots.get("facts")?.add(at, looks.rate("relato_relayed_total"));
  plots.get("mails")?.add(at, looks.rate("relato_mail_attempts_total", { state: "accepted" }) ?? 0);
  plots.get("lag")?.add(at, looks.total("relato_consumer_lag", ({ consumer }) => consumer === live));
  plots.get("other-lag")?.add(at, looks.total("relato_consumer_lag", ({ consumer }) => !consumer.startsWith("history/")));
  plots.get("delay")?.add(at, delay());
}

/** @returns {number | null} milliseconds; null while nothing is projected */
function delay() {
  const facts = looks.rate("relato_projection_delay_seconds_count");
  const seconds = looks.rate("relato_projection_delay_seconds_sum");
  return facts && seconds !== null ? (seconds / facts) * 1000 : null;
}

/** @param {HTMLElement} need @param {number | null} number */
function showNeed(need, number) {
  need.dataset.state = number ? "failed" : "";
  fill(need, { number: number === null ? "–" : numbers.format(number) });
}

/** @param {string[]} silent services of which no process answers */
function show(silent) {
  const answering = looks.fresh.filter(({ service }) => !silent.includes(service));
  const known = [...answering, ...silent.map((service) => ({ service, instance: "" }))];
  known.sort((one, other) => SERVICES.indexOf(one.service) - SERVICES.indexOf(other.service) || one.instance.localeCompare(other.instance));
  keepRows(table, known, ({ service, instance }) => `${service} ${instance}`, () => row("service", {}), renew);
}

/** @param {HTMLElement} line @param {Partial<Watched> & {service: string, instance: string}} it */
function renew(line, it) {
  const state = it.ready === undefined ? "silent" : it.ready ? "ready" : "not-ready";
  line.dataset.state = state;
  fill(line, {
    service: it.service,
    instance: it.instance,
    state: say(state),
    missing: Object.entries(it.missing ?? {}).map(([part, what]) => `${part}: ${what}`).join("; "),
    since: it.started_at,
  });
}

keepLooking(EVERY_MS, look, say);
