// @ts-check
// Says how far the requester has read, once it was really before their eyes: on the screen, of a page that they look at.
import { ask } from "./ask.js";

const DWELL = 1_000; // ms
const place = /** @type {HTMLElement} */ (document.querySelector("[data-views]"));
/** What is on the screen and was not seen yet. @type {Set<Element>} */
const visible = new Set();
let told = 0;
let timer = 0;

const observer = new IntersectionObserver(
  (changes) => {
    for (const { target, isIntersecting, intersectionRatio, intersectionRect, rootBounds } of changes) {
      // Half of it, or half of the screen full of it.
      const enough = intersectionRatio >= 0.5 || intersectionRect.height * 2 >= (rootBounds?.height ?? Infinity);
      if (isIntersecting && enough) visible.add(target);
      else visible.delete(target);
    }
    soon();
  },
  { threshold: [0, 0.1, 0.25, 0.5, 1] },
);
for (const each of document.querySelectorAll("[data-unseen]")) observer.observe(each);
new MutationObserver((changes) => {
  for (const each of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
    if (each instanceof Element && each.matches("[data-unseen]")) observer.observe(each);
  }
}).observe(/** @type {HTMLElement} */ (place.closest("main")), { childList: true, subtree: true });
document.addEventListener("visibilitychange", soon);
document.addEventListener("relato:connected", soon);

function soon() {
  clearTimeout(timer);
  timer = window.setTimeout(look, DWELL);
}

async function look() {
  if (document.hidden) return;
  for (const each of visible) {
    each.removeAttribute("data-unseen");
    if (each instanceof HTMLElement && each.dataset.standsFor) {
      document.getElementById(each.dataset.standsFor)?.removeAttribute("data-unseen");
    }
    observer.unobserve(each);
  }
  visible.clear();
  const upTo = reached();
  if (upTo <= told) return;
  const answer = await ask(place.dataset.views ?? "", {
    method: "POST",
    headers: { "Content-Type": "application/json" }, // no key: what was seen is seen
    body: JSON.stringify({ up_to_version: upTo }),
  }).catch(() => null); // it is said again with what comes next
  if (!answer?.ok) return;
  told = upTo;
  document.dispatchEvent(new CustomEvent("relato:read", { detail: upTo }));
}

/** The version up to which nothing is left that was not seen. */
function reached() {
  const unseen = versions("[data-unseen][data-version]");
  if (unseen.length) return Math.min(...unseen) - 1;
  return Math.max(Number(place.dataset.last), ...versions("[data-version]"));
}

/** @param {string} which */
function versions(which) {
  const found = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(which));
  return [...found].map((each) => Number(each.dataset.version));
}
