// @ts-check
// What operators did to each service, as one list, the last first.
import { KEEPERS, keepLooking, see } from "./operate.js";
import { keepRows, row } from "./rows.js";
import { wordsOf } from "./words.js";

/** @typedef {{service: string, id: number, at: string, name: string, subject: string, action: string, target: string | null, reason: string, dry_run: boolean}} Action */

const EVERY_MS = 5_000;
const PAGE = 50;

const say = wordsOf(document.body);
const list = /** @type {HTMLElement} */ (document.querySelector("[data-actions]"));
const more = /** @type {HTMLButtonElement} */ (document.querySelector("[data-more]"));
let shown = PAGE;

async function look() {
  const limit = Math.min(500, shown + 1);
  const answers = await Promise.all(KEEPERS.map((service) => see(`/audit/${service}?limit=${limit}`)));
  const every = KEEPERS.flatMap((service, place) => answers[place].items.map((/** @type {Action} */ each) => ({ ...each, service })));
  every.sort((one, other) => other.at.localeCompare(one.at) || other.id - one.id);
  document.querySelector("[data-table]")?.toggleAttribute("hidden", !every.length);
  document.querySelector("[data-empty]")?.toggleAttribute("hidden", every.length > 0);
  more.hidden = every.length <= shown || shown >= 500;
  keepRows(list, every.slice(0, shown), ({ service, id }) => `${service} ${id}`, made, () => undefined);
}

/** @param {Action} it what never changes */
function made(it) {
  const line = row("action", {
    action: it.action,
    tried: it.dry_run ? say("tried") : "",
    of: [it.service, it.subject, it.target].filter(Boolean).join(" · "),
    at: it.at,
    name: it.name,
    reason: it.reason,
  });
  if (!it.dry_run) line.querySelector('[data-slot="tried"]')?.remove();
  return line;
}

more.addEventListener("click", () => {
  shown += PAGE;
  void look();
});
keepLooking(EVERY_MS, look, say);
