// @ts-check
// Lines on their way: one after the other, each with one key, so that trying again never does it twice.
// They are kept for the session, and a page that is loaded anew goes on with them.
import { ask } from "./ask.js";
import { sessionEnded } from "./session.js";

/** @typedef {{key: string, text: string}} Waiting */
/** @typedef {{accepted: (line: Waiting, id: string) => void, refused: (line: Waiting, code: string) => void}} Told */

const FIRST_RETRY = 500;
const LONGEST_RETRY = 8_000;

/**
 * @param {string} action where lines are posted to
 * @param {string} name under which they are kept
 * @param {Told} told
 */
export function makeOutbox(action, name, told) {
  /** @type {Waiting[]} */
  const lines = JSON.parse(sessionStorage.getItem(name) ?? "[]");
  let busy = false;
  let pause = FIRST_RETRY;
  let timer = 0;

  /** @param {string} text */
  function add(text) {
    const line = { key: newKey(), text };
    lines.push(line);
    keep();
    void send();
    return line;
  }

  async function send() {
    clearTimeout(timer);
    if (busy) return;
    busy = true;
    try {
      for (let line = lines[0]; line; line = lines[0]) {
        if (!(await attempt(line))) {
          timer = window.setTimeout(send, pause);
          pause = Math.min(pause * 2, LONGEST_RETRY);
          return;
        }
        pause = FIRST_RETRY;
      }
    } finally {
      busy = false;
    }
  }

  /**
   * @param {Waiting} line
   * @returns {Promise<boolean>} whether it is settled; else it is to be tried again
   */
  async function attempt(line) {
    let answer;
    try {
      answer = await ask(action, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": line.key },
        body: JSON.stringify({ text: line.text }),
        keepalive: true, // it outlives its page
      });
    } catch {
      return false; // no answer: it may have happened, and the key knows
    }
    if (answer.status === 401) sessionEnded();
    if (answer.status === 401 || answer.status === 429 || answer.status >= 500) return false;
    const given = await answer.json().catch(() => null);
    if (given === null) return false; // cut off
    lines.shift();
    keep();
    if (answer.ok) told.accepted(line, given.message_id);
    else told.refused(line, String(given.type).split("/").pop() ?? "");
    return true;
  }

  function keep() {
    sessionStorage.setItem(name, JSON.stringify(lines));
  }

  for (const event of ["online", "relato:connected"]) window.addEventListener(event, () => void send());
  return { lines, add, send };
}

function newKey() {
  // randomUUID is there on encrypted connections alone.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
