// @ts-check
// A client of the operators' API, as the command line is one.
import { sessionEnded } from "./session.js";

/** Those that keep records, and so have dead letters and an audit. */
export const KEEPERS = ["notes", "notifier", "history-projector"];

/** @typedef {{ok: boolean, code: string, detail: string, given: any}} Answer */

/** @param {string} path @returns {Promise<any>} what is there now, null where nothing is; throws where nothing answers */
export async function see(path) {
  const answer = await fetch(`/api/operate${path}`, { cache: "no-store" });
  if (answer.status === 401) sessionEnded();
  if (answer.status === 204 || answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

/** @param {string} path @param {Record<string, unknown>} wish @returns {Promise<Answer>} */
export async function act(path, wish) {
  const answer = await fetch(`/api/operate${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(wish),
  });
  if (answer.status === 401) sessionEnded();
  const given = answer.status === 204 ? null : await answer.json();
  const code = answer.ok ? "" : (given.type?.split("/").pop() ?? "failed");
  return { ok: answer.ok, code, detail: answer.ok ? "" : (given.detail ?? ""), given };
}

/**
 * Looks again and again while the page is before somebody, and says when nothing answers any more.
 *
 * @param {number} ms @param {() => Promise<void>} look @param {import("./words.js").Say} say
 */
export function keepLooking(ms, look, say) {
  const lost = /** @type {HTMLElement} */ (document.querySelector("[data-lost]"));
  let seen = new Date();
  const once = async () => {
    try {
      if (!document.hidden) await look();
      seen = new Date();
      lost.hidden = true;
    } catch {
      const { lang, dataset } = document.documentElement;
      if (lost.hidden) lost.textContent = say("lost", { time: seen.toLocaleTimeString(lang, { timeZone: dataset.zone || undefined }) });
      lost.hidden = false;
    }
    setTimeout(once, ms);
  };
  document.addEventListener("visibilitychange", () => document.hidden || void look().catch(() => undefined));
  void once();
}
