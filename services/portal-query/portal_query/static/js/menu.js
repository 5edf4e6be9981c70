// @ts-check
// The menu of an entry (WAI-ARIA's menu button): one for the page, put beside the button that asks for it.
import { accepted } from "./offers.js";

const menu = /** @type {HTMLElement} */ (document.querySelector("[data-menu]"));
const items = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("[data-does]")]);
/** @type {HTMLElement | null} */
let button = null;
let place = 0;
const home = menu.parentElement;

/** @param {(does: string, article: HTMLElement) => void} choose */
export function onChoice(choose) {
  document.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const asked = /** @type {HTMLElement | null} */ (target.closest("[data-entry-menu]"));
    const item = /** @type {HTMLElement | null} */ (target.closest("[data-does]"));
    const article = button?.closest("article");
    if (item && article) {
      close();
      choose(item.dataset.does ?? "", article);
    } else if (asked && asked !== button) open(asked);
    else if (!target.closest("[data-menu]")) close();
  });
}

// What is told late of a scroll that led to the button is none away from it.
addEventListener("scroll", () => scrollY !== place && close(), { passive: true });
addEventListener("resize", close);
menu.addEventListener("keydown", (event) => {
  const shown = items.filter((each) => !each.hidden);
  const at = shown.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to !== undefined) shown.at(to % shown.length)?.focus();
  else if (event.key === "Escape" || event.key === "Tab") close();
  else return;
  if (event.key !== "Tab") event.preventDefault();
  event.stopPropagation();
});

/** @param {HTMLElement} asked */
function open(asked) {
  close();
  const may = accepted();
  const offers = asked.closest("article")?.dataset.offers?.split(" ") ?? [];
  for (const each of items) {
    const does = each.dataset.does ?? "";
    each.hidden = !offers.includes(does) || !may.has(does);
  }
  button = asked;
  asked.setAttribute("aria-expanded", "true");
  asked.after(menu);
  place = scrollY;
  menu.showPopover(); // above everything: what lies far down is laid out apart, and would clip it
  const { bottom, right, top } = asked.getBoundingClientRect();
  const below = bottom + menu.offsetHeight <= innerHeight || top < menu.offsetHeight;
  menu.style.top = `${below ? bottom : top - menu.offsetHeight}px`;
  menu.style.left = `${Math.max(0, right - menu.offsetWidth)}px`;
  items.find((each) => !each.hidden)?.focus();
}

function close() {
  if (!button) return;
  const within = menu.contains(document.activeElement);
  if (menu.matches(":popover-open")) menu.hidePopover();
  button.setAttribute("aria-expanded", "false");
  if (within) button.focus({ preventScroll: true });
  home?.append(menu); // an entry's text is what it says, and may be replaced
  button = null;
}
