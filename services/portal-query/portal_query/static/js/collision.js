// @ts-check
// Says in the composer when somebody else recorded something since one began to write.

import { take } from "./dialog.js";

const dialog = take("note");
const own = /** @type {HTMLElement | null} */ (document.querySelector("[data-presence]"))?.dataset.person;
const notice = /** @type {HTMLElement} */ (dialog.querySelector("[data-collision]"));
const said = /** @type {HTMLElement} */ (notice.querySelector("[data-collision-text]"));

document.addEventListener("relato:entry", (event) => {
  const entry = /** @type {CustomEvent<HTMLElement>} */ (event).detail;
  const writing = dialog.hasAttribute("open") || dialog.querySelector(".editor-text")?.textContent?.trim();
  if (!writing || entry.dataset.author === own) return;
  const author = entry.querySelector(".entry-author")?.textContent ?? "";
  const text = entry.querySelector(".rich")?.textContent?.trim() ?? "";
  said.textContent = `${author}: ${text}`;
  notice.hidden = false;
});
// What was written is saved: what comes next is begun in the knowledge of it.
dialog.querySelector("form")?.addEventListener("reset", () => (notice.hidden = true));
