// @ts-check
// What somebody is writing, kept by the server as they type; where it does not take it, by this tab until it does.
import { wallClock } from "./zone.js";

/** What a composer holds, by field. @typedef {Record<string, string>} Written */
/**
 * @typedef {object} Composer
 * @property {() => Written | null} written
 * @property {(before: Written) => void} restore
 * @property {() => void} reopen
 * @property {import("./words.js").Say} say
 */

const QUIET_MS = 600;
const AGAIN_MS = 5_000;
/** One question a page for all that was begun. @type {Promise<Array<{kind: string, saved_at: string, draft: Written}>> | null} */
let known = null;

export class Draft {
  #timer = 0;
  /** One request after the other, since the last one is what counts. */
  #telling = Promise.resolve();
  #unsaved = false;

  /** @param {HTMLFormElement} form @param {string} kind @param {Composer} composer */
  constructor(form, kind, composer) {
    this.form = form;
    this.composer = composer;
    this.kind = kind;
    this.address = `${form.dataset.drafts}/${kind}`;
    this.place = `relato-draft ${form.dataset.person} ${this.address}`;
    addEventListener("pagehide", () => this.#unsaved && this.#save(true));
  }

  /** Brings back what was written before: in this tab when a session ended, else what the server has. */
  begin() {
    const stashed = sessionStorage.getItem(this.place);
    if (stashed !== null) {
      sessionStorage.removeItem(this.place);
      this.composer.restore(JSON.parse(stashed));
      this.composer.reopen();
      this.changed();
      return;
    }
    void this.#find();
  }

  async #find() {
    known ??= fetch(this.form.dataset.drafts ?? "", { cache: "no-store" })
      .then(async (answer) => (answer.ok ? (await answer.json()).items : []))
      .catch(() => []);
    const found = (await known).find(({ kind }) => kind === this.kind);
    if (!found || this.#unsaved || this.composer.written()) return; // what is being written counts
    this.composer.restore(found.draft);
    this.#tell("draft-found", new Date(found.saved_at));
    clearTimeout(this.#timer); // it is what the server has
    this.#unsaved = false;
  }

  /** Something was written; it is saved once there is a pause. */
  changed() {
    this.#unsaved = true;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#save(), QUIET_MS);
  }

  /** It was sent, or is not wanted any more. */
  discard() {
    clearTimeout(this.#timer);
    this.#unsaved = false;
    sessionStorage.removeItem(this.place);
    this.#tell("");
    this.#telling = this.#telling.then(() => this.#send(null)).then(noted, noted);
  }

  /** Keeps it in this tab, for after the login. */
  stash() {
    const written = this.composer.written();
    if (written) sessionStorage.setItem(this.place, JSON.stringify(written));
  }

  /** @param {boolean} [leaving] the page goes, and the request has to outlive it */
  #save(leaving = false) {
    clearTimeout(this.#timer);
    this.#unsaved = false;
    const written = this.composer.written();
    const save = async () => {
      try {
        const answer = await this.#send(written, leaving);
        if (answer.ok) {
          sessionStorage.removeItem(this.place);
          return this.#tell(written ? "draft-saved" : "", new Date());
        }
        this.stash();
        this.#tell(answer.status === 401 ? "draft-signed-out" : "draft-unsaved");
        if (answer.status >= 500 || answer.status === 429) this.#again();
      } catch {
        this.stash();
        this.#tell("draft-unsaved");
        this.#again();
      }
    };
    if (leaving) void save();
    else this.#telling = this.#telling.then(save).then(noted, noted);
  }

  #again() {
    this.#unsaved = true;
    this.#timer = window.setTimeout(() => this.#save(), AGAIN_MS);
  }

  /** @param {Written | null} written @param {boolean} [leaving] */
  #send(written, leaving = false) {
    return fetch(this.address, {
      method: written ? "PUT" : "DELETE",
      headers: written ? { "Content-Type": "application/json" } : {},
      body: written && JSON.stringify(written),
      keepalive: leaving,
    });
  }

  /** @param {string} word @param {Date} [at] */
  #tell(word, at) {
    const place = this.form.querySelector("[data-draft-state]");
    const time = at ? wallClock(at, this.form.dataset.zone ?? "UTC").slice(-5) : "";
    if (place) place.textContent = word && this.composer.say(word, { time });
  }
}

function noted() {}
