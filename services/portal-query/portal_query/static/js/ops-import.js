// @ts-check
// An export that fills an empty log: sent by pieces, taken in after a question, and how far that is.
import { confirmed } from "./confirm.js";
import { act, see } from "./operate.js";
import { fill } from "./rows.js";
import { wordsOf } from "./words.js";

const EVERY_MS = 2_000;
/** What fits into a request. */
const LINES = 2_000;
const CHARACTERS = 300_000;

const say = wordsOf(document.body);
const numbers = new Intl.NumberFormat(document.documentElement.lang);
const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-import]"));
const chosen = /** @type {HTMLInputElement} */ (form.elements.namedItem("file"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
const failure = /** @type {HTMLElement} */ (document.querySelector("[data-import-failure]"));
const sent = /** @type {HTMLElement} */ (document.querySelector("[data-sent]"));
const importation = /** @type {HTMLElement} */ (document.querySelector("[data-importation]"));
const lacking = /** @type {HTMLElement} */ (document.querySelector("[data-lacking]"));
const cancel = /** @type {HTMLElement} */ (document.querySelector("[data-cancel-import]"));

/** @param {File} file @returns {AsyncGenerator<string[]>} its lines, as many at a time as fit into a request */
async function* pieces(file) {
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
  /** @type {string[]} */
  let piece = [];
  let [size, rest] = [0, ""];
  for (let end = false; !end;) {
    const read = await reader.read();
    end = read.done;
    const lines = (rest + (read.value ?? "")).split("\n");
    rest = end ? "" : (lines.pop() ?? "");
    for (const line of lines) {
      if (!line.trim()) continue;
      if (piece.length && (piece.length === LINES || size + line.length > CHARACTERS)) {
        yield piece;
        [piece, size] = [[], 0];
      }
      piece.push(line);
      size += line.length;
    }
  }
  if (piece.length) yield piece;
}

/** @param {File} file @returns {Promise<string>} why it could not be sent, or nothing */
async function upload(file) {
  let number = 0;
  for await (const lines of pieces(file)) {
    const answer = await act("/events/import/lines", { first: number === 0, lines });
    if (!answer.ok) return [say(answer.code) || say("refused"), answer.detail].filter(Boolean).join(" ");
    number += lines.length;
    sent.textContent = say("sent", { number: numbers.format(number) });
  }
  return number ? "" : say("file");
}

async function bringIn() {
  const [file] = chosen.files ?? [];
  sent.textContent = "";
  button.disabled = true;
  const why = file ? await upload(file).catch(() => say("failed")) : say("file");
  button.disabled = false;
  failure.textContent = why;
  failure.hidden = !why;
  chosen.toggleAttribute("aria-invalid", Boolean(why));
  if (why) return void chosen.focus();
  if (await confirmed({ title: say("import"), text: say("import-text"), asks: [{ path: "/events/import" }], told }, say)) await look();
}

/** @param {any[]} given */
function told([it]) {
  return say("would", { events: numbers.format(it.events), tickets: numbers.format(it.tickets), mails: String(it.mails) });
}

async function look() {
  const it = await see("/events/importation");
  importation.hidden = !it;
  const running = it?.state === "running";
  cancel.hidden = !running;
  if (!it) return;
  fill(importation, {
    state: say(it.state === "done" ? "done-state" : it.state),
    summary: say("imported", { name: it.name, done: numbers.format(it.done), total: numbers.format(it.total) }),
    at: it.finished_at ?? it.started_at,
    part: it.done / Math.max(1, it.total),
  });
  importation.querySelector("progress")?.toggleAttribute("hidden", !running);
  const tickets = it.findings.map((/** @type {{ticket_id: string}} */ each) => each.ticket_id).join(", ");
  lacking.hidden = !tickets;
  if (tickets) lacking.textContent = say("lacking", { tickets });
  // Only one that is under way changes; the page asks for nothing that is not there.
  if (running) setTimeout(() => void look().catch(() => undefined), EVERY_MS);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void bringIn();
});
cancel.addEventListener("click", async () => {
  if (await confirmed({ title: say("cancel"), text: say("cancel-text"), asks: [{ path: "/events/cancel" }] }, say)) await look();
});
void look().catch(() => undefined);
