// @ts-check
// Publishing what the ITSM says anew, and waiting until everybody can read it.
import { ask } from "./ask.js";
import { offerLogin } from "./session.js";

const PATIENCE_MS = 20_000;
const BETWEEN_MS = 250;

/** @typedef {{pointer: string, detail: string, code?: string, values?: Record<string, string>}} FieldError */
/** @typedef {"saved" | "late" | "meanwhile" | "refused"} Ending */
/** @typedef {{ending: Ending, code: string, errors: FieldError[]}} Outcome */

/**
 * @param {string} kind @param {string} id @param {Record<string, unknown>} fact
 * @param {string} since when it was last changed, as the page knows it; empty for what is new or never was
 * @param {(word: string) => void} tell says how far it is
 * @returns {Promise<Outcome>}
 */
export async function publish(kind, id, fact, since, tell) {
  tell("saving");
  const before = await changedAt(kind, id);
  if (before !== moment(since)) return { ending: "meanwhile", code: "", errors: [] };
  const answer = await ask(`/api/notes/itsm/${kind}/${encodeURIComponent(id)}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fact),
  });
  if (answer.status === 401) offerLogin();
  if (!answer.ok) {
    const problem = await answer.json();
    return { ending: "refused", code: problem.type?.split("/").pop() ?? "", errors: problem.errors ?? [] };
  }
  tell("waiting");
  const ending = (await becomesOther(kind, id, before)) ? "saved" : "late";
  return { ending, code: "", errors: [] };
}

/** @param {string} kind @param {string} id @returns {Promise<number>} 0 where there is none, or nobody knows */
export async function changedAt(kind, id) {
  const answer = await ask(`/api/portal/admin/${kind}/${encodeURIComponent(id)}`, { cache: "no-store" });
  if (answer.status === 404) return 0;
  if (answer.status === 401) offerLogin();
  if (!answer.ok) throw new Error(`${answer.status}`);
  return moment((await answer.json()).changed_at ?? "");
}

/** @param {string} time */
function moment(time) {
  return time ? Date.parse(time) : 0;
}

/** @param {string} kind @param {string} id @param {number} before */
async function becomesOther(kind, id, before) {
  const ends = performance.now() + PATIENCE_MS;
  while (performance.now() < ends) {
    if ((await changedAt(kind, id).catch(() => before)) !== before) return true;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
  }
  return false;
}
