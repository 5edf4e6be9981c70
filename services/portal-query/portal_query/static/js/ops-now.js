// @ts-check
// What happens now: four plots, and which processes are ready.
import { KEEPERS, keepLooking, see } from "./operate.js";
import { Plot } from "./plot.js";
import { fill, keepRows, row } from "./rows.js";
import { Looks } from "./samples.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./samples.js").Watched} Watched */

const SERVICES = [...KEEPERS, "portal-query"];
const EVERY_MS = 2_000;

const say = wordsOf(document.body);
const table = /** @type {HTMLElement} */ (document.querySelector("[data-services]"));
const figures = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-plot]"));
const plots = new Map([...figures].map((figure) => [figure.dataset.plot ?? "", new Plot(figure)]));
const looks = new Looks();

async function look() {
  const answers = await Promise.all(SERVICES.map((name) => see(`/services/${name}`).catch(() => null)));
  for (const each of answers) if (each) looks.add(each);
  if (!answers.some(Boolean)) throw new Error("nothing answers");
  const silent = SERVICES.filter((_name, place) => !answers[place]);
  show(silent);
  const at = Date.now() / 1000;
  plots.get("facts")?.add(at, looks.rate("relato_relayed_total"));
  plots.get("mails")?.add(at, looks.rate("relato_mail_attempts_total", { state: "accepted" }) ?? 0);
  plots.get("lag")?.add(at, looks.total("relato_consumer_lag"));
  plots.get("delay")?.add(at, delay());
}

/** @returns {number | null} milliseconds; null while nothing is projected */
function delay() {
  const facts = looks.rate("relato_projection_delay_seconds_count");
  const seconds = looks.rate("relato_projection_delay_seconds_sum");
  return facts && seconds !== null ? (seconds / facts) * 1000 : null;
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
