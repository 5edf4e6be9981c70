// @ts-check
// What was said in the chat and not read yet stands above the history while the chat is shut: read there, it is read.

const SHOWN = 3;
/** Of what is longer only the beginning stands here, which is not all of it. */
const WHOLE = 160; // characters
const news = /** @type {HTMLElement} */ (document.querySelector("[data-chat-news]"));
const list = /** @type {HTMLElement} */ (news.querySelector("[data-chat-news-lines]"));
const panel = /** @type {HTMLElement} */ (document.querySelector("[data-chat]"));
const opener = /** @type {HTMLElement} */ (document.querySelector('[data-opens="chat"]'));

news.querySelector("[data-chat-news-open]")?.addEventListener("click", () => opener.click());
document.addEventListener("relato:line", show);
new MutationObserver(show).observe(panel, { attributeFilter: ["data-open"] });
show();

function show() {
  if ("open" in panel.dataset) list.replaceChildren();
  else for (const line of unread().slice(-SHOWN)) if (!standsFor(line)) list.append(preview(line));
  while (list.children.length > SHOWN) list.firstElementChild?.remove();
  news.hidden = list.children.length === 0;
}

function unread() {
  return /** @type {HTMLElement[]} */ ([...panel.querySelectorAll('[data-line="other"][data-unseen]')]);
}

/** @param {HTMLElement} line */
function standsFor(line) {
  return [...list.children].some((each) => each instanceof HTMLElement && each.dataset.standsFor === line.id);
}

/** @param {HTMLElement} line */
function preview(line) {
  const item = document.createElement("li");
  const author = document.createElement("strong");
  const text = line.querySelector(".line-text")?.textContent ?? "";
  author.textContent = line.querySelector(".line-author")?.textContent ?? "";
  item.append(author, ` ${text.length > WHOLE ? `${text.slice(0, WHOLE)}…` : text}`);
  item.dataset.standsFor = line.id;
  if (text.length <= WHOLE) item.dataset.unseen = "";
  return item;
}
