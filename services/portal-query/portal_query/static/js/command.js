// @ts-check
// A command from a dialog's form to the API: done once however often it is sent, and what is wrong is said where it is.
import { ask } from "./ask.js";
import { clearErrors, showError, showFailure } from "./fields.js";
import { offerLogin } from "./session.js";

/** @typedef {import("./words.js").Say} Say */
/** @typedef {{ok: boolean, code: string, given: Record<string, any>}} Answer */

/** Fields' errors that have a word of their own. @type {Readonly<Record<string, string>>} */
const WRONG = { occurred_at: "future", description_html: "empty", text_html: "empty", solution_html: "empty", reason: "reason" };

export class Command {
  #busy = false;

  /**
   * @param {HTMLFormElement} form @param {Say} say
   * @param {{key: string}} written has one key for what is being written: trying again does not do it twice
   */
  constructor(form, say, written = { key: newKey() }) {
    this.form = form;
    this.say = say;
    this.written = written;
  }

  /**
   * @param {string} address @param {Record<string, unknown>} body @param {Record<string, string>} [headers]
   * @returns {Promise<Answer | null>} null where no answer came, or one that somebody is already waiting for
   */
  async send(address, body, headers = {}) {
    if (this.#busy) return null;
    clearErrors(this.form);
    this.#set(true);
    try {
      const answer = await ask(address, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": this.written.key, ...headers },
        body: JSON.stringify(body),
      });
      const given = await answer.json();
      const code = answer.ok ? "" : (given.type?.split("/").pop() ?? "failed");
      // What comes next is another one. What was refused has used nothing.
      if (answer.ok || code === "idempotency-key-reused") this.written.key = newKey();
      if (!answer.ok) this.#refused(code, given.errors ?? []);
      return { ok: answer.ok, code, given };
    } catch {
      showFailure(this.form, this.say("failed")); // no answer came: the same key makes trying again safe
      return null;
    } finally {
      this.#set(false);
    }
  }

  /** @param {string} code @param {Array<{pointer: string}>} errors */
  #refused(code, errors) {
    if (code === "unauthenticated") {
      return offerLogin();
    }
    const beside = errors.filter(({ pointer }) => {
      const name = pointer.slice(1);
      return showError(this.form, name, this.say(WRONG[name] ?? "invalid") || this.say("invalid"));
    });
    if (!beside.length) showFailure(this.form, this.say(code) || this.say("failed"));
  }

  /** @param {boolean} busy */
  #set(busy) {
    this.#busy = busy;
    this.form.querySelector("[data-save]")?.toggleAttribute("disabled", busy);
  }
}

export function newKey() {
  // randomUUID is there on encrypted connections alone.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
