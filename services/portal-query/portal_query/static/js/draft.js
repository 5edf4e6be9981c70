// @ts-check
// What somebody is writing, kept by the server as they type; where it does not take it, by this tab until it does.
// Several tabs may write one draft: what another one did is taken over where nothing else is here, and else shown.
import { newKey } from "./command.js";
import { find, placeOf, put, tagOf } from "./drafts.js";
import { showFailure } from "./fields.js";
import { forReader } from "./zone.js";

/** @typedef {import("./drafts.js").Written} Written */
/**
 * @typedef {object} Composer
 * @property {string} text the field that the editor is for
 * @property {() => Written | null} written
 * @property {(before: Written) => void} restore puts it before what is there
 * @property {() => void} clear
 * @property {() => void} reopen
 * @property {import("./words.js").Say} say
 */

const QUIET_MS = 600;
const AGAIN_MS = 5_000;

export class Draft {
  /** What is written is sent with this, by whichever tab: so it is recorded once. */
  key = newKey();
  /** Of the draft that the server had when this tab last knew. */
  #tag = "";
  #edits = 0;
  #saved = 0;
  #timer = 0;
  /** One request after the other, since the last one is what counts. */
  #telling = Promise.resolve();

  /** @param {HTMLFormElement} form @param {string} kind @param {Composer} composer */
  constructor(form, kind, composer) {
    this.form = form;
    this.composer = composer;
    this.kind = kind;
    this.address = `${form.dataset.drafts}/${kind}`;
    this.place = placeOf(this.address);
    this.other = /** @type {HTMLElement} */ (form.querySelector("[data-draft-other]"));
    addEventListener("pagehide", () => this.#unsaved && void this.#save(true));
    addEventListener("focus", () => this.look());
  }

  get #unsaved() {
    return this.#edits !== this.#saved;
  }

  /** Brings back what was written before: in this tab when a session ended, else what the server has. */
  begin() {
    const stashed = sessionStorage.getItem(this.place);
    if (stashed === null) return this.look();
    sessionStorage.removeItem(this.place);
    const { written, key, tag } = JSON.parse(stashed);
    Object.assign(this, { key });
    this.#tag = tag;
    this.composer.restore(written);
    this.composer.reopen();
    this.changed();
  }

  /** Takes over what became of the draft elsewhere, if nothing newer is here. */
  look() {
    this.#next(async () => {
      const found = this.#unsaved ? undefined : await find(this.form.dataset.drafts ?? "", this.kind);
      if (this.#unsaved || (found?.etag ?? "") === this.#tag) return; // what is being written counts
      this.composer.clear();
      if (found) this.composer.restore(found.draft);
      this.#know(found);
      this.#settle();
      this.#tell(found ? "draft-found" : "", found && new Date(found.saved_at));
      if (!found && this.form.closest("dialog")?.open) showFailure(this.form, this.composer.say("draft-gone"));
    });
  }

  /** Something was written; it is saved once there is a pause. */
  changed() {
    this.#edits++;
    this.form.dataset.unsaved = "";
    this.#later(QUIET_MS);
  }

  /** It was sent. What another tab made of it since stays. */
  discard() {
    this.#settle();
    this.#tell("");
    this.#next(async () => {
      this.#settle();
      if (this.#tag) await put(this.address, null, this.#tag, true); // whoever has sent it may leave at once
      this.#tag = "";
    });
  }

  /** It was sent before, from here or elsewhere: what is still here is something new. */
  used() {
    this.look();
    this.#next(async () => {
      if (this.composer.written()) this.changed();
    });
  }

  /** Keeps it in this tab, for after the login. */
  stash() {
    const written = this.composer.written();
    if (written) sessionStorage.setItem(this.place, JSON.stringify({ written, key: this.key, tag: this.#tag }));
  }

  /** @param {boolean} [leaving] the page goes */
  async #save(leaving = false) {
    clearTimeout(this.#timer);
    const edits = this.#edits;
    const written = this.composer.written();
    const kept = written && { ...written, key: this.key };
    try {
      const answer = kept || this.#tag ? await put(this.address, kept, this.#tag, leaving) : new Response();
      if (answer.ok) {
        this.#tag = kept ? tagOf(answer) : "";
        this.#saved = Math.max(edits, this.#saved);
        if (!this.#unsaved) delete this.form.dataset.unsaved;
        sessionStorage.removeItem(this.place);
        this.other.hidden = true;
        return this.#tell(kept ? "draft-saved" : "", new Date());
      }
      this.stash();
      if (answer.status === 412) return await this.#meet(kept);
      this.#tell(answer.status === 401 ? "draft-signed-out" : "draft-unsaved");
      if (answer.status >= 500 || answer.status === 429) this.#later(AGAIN_MS);
    } catch {
      this.stash();
      this.#tell("draft-unsaved");
      this.#later(AGAIN_MS);
    }
  }

  /** Another tab was there first. @param {Written | null} here */
  async #meet(here) {
    const found = await find(this.form.dataset.drafts ?? "", this.kind);
    if (!found || same(found.draft, here)) {
      this.#know(found);
      this.#later(0);
      this.other.hidden = true;
      if (!found) showFailure(this.form, this.composer.say("draft-gone"));
      return;
    }
    this.#tell("draft-unsaved");
    const text = /** @type {HTMLElement} */ (this.other.querySelector("[data-draft-other-text]"));
    const html = found.draft[this.composer.text] ?? "";
    text.textContent = new DOMParser().parseFromString(html, "text/html").body.textContent;
    const join = /** @type {HTMLButtonElement} */ (this.other.querySelector("[data-draft-join]"));
    join.onclick = () => {
      this.other.hidden = true;
      this.#know(found);
      this.composer.restore(found.draft);
      this.changed();
      /** @type {HTMLElement | null} */ (this.form.querySelector("[role=textbox]"))?.focus(); // the button goes
    };
    this.other.hidden = false;
  }

  /** @param {import("./drafts.js").Kept | undefined} found */
  #know(found) {
    this.#tag = found?.etag ?? "";
    this.key = found?.draft.key ?? newKey();
  }

  /** What is here is what is kept. */
  #settle() {
    clearTimeout(this.#timer);
    this.#saved = this.#edits;
    delete this.form.dataset.unsaved;
    this.other.hidden = true;
    sessionStorage.removeItem(this.place);
  }

  /** @param {number} delay milliseconds */
  #later(delay) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#next(() => this.#save()), delay);
  }

  /** @param {() => Promise<void>} step */
  #next(step) {
    this.#telling = this.#telling.then(step).catch(() => {}); // no answer came: the next step asks again
  }

  /** @param {string} word @param {Date} [at] */
  #tell(word, at) {
    const place = this.form.querySelector("[data-draft-state]");
    const time = at ? forReader(at, this.form.dataset.zone ?? "UTC") : "";
    if (place) place.textContent = word && this.composer.say(word, { time });
  }
}

/** @param {Written} one @param {Written | null} other but for their keys */
function same(one, other) {
  const names = new Set([...Object.keys(one), ...Object.keys(other ?? {})]);
  names.delete("key");
  return [...names].every((each) => one[each] === other?.[each]);
}
