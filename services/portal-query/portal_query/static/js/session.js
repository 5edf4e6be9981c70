// @ts-check
// When the session has ended, one goes through the login and comes back to where one was; who writes stays, and is told.
import { isWriting } from "./dialog.js";
import { leave } from "./leaving.js";

const place = /** @type {HTMLElement | null} */ (document.querySelector("[data-signed-out]"));
const other = /** @type {HTMLElement | null} */ (document.querySelector("[data-other-person]"));

export function goToLogin() {
  const here = location.pathname + location.search;
  leave(() => location.assign(`/login?next=${encodeURIComponent(here)}&ended=1`));
}

/** Nothing that is being written is lost. */
export function sessionEnded() {
  if (isWriting()) offerLogin();
  else goToLogin();
}

/** Says that the session has ended, before the eyes of whoever writes. */
export function offerLogin() {
  const writing = isWriting();
  const within = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("dialog[open] [data-signed-out]"));
  for (const each of [place, ...within]) {
    if (!each) continue;
    each.hidden = false;
    each.querySelector("a")?.setAttribute("target", writing ? "_blank" : "_self");
  }
}

/** Asks whose session this browser has now, and says so where it is not this page's reader's. */
export async function look() {
  const answer = await fetch("/session/person", { cache: "no-store" }).catch(() => null);
  if (answer?.status === 401) offerLogin();
  if (!answer?.ok) return;
  const { person_id: person } = await answer.json();
  for (const each of document.querySelectorAll("[data-signed-out]")) each.toggleAttribute("hidden", true);
  if (other) other.hidden = person === document.documentElement.dataset.person;
}

addEventListener("focus", () => {
  if (place && !place.hidden) void look(); // one may have logged in elsewhere
});
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = /** @type {CustomEvent<{xhr: XMLHttpRequest}>} */ (event).detail;
  if (xhr.status === 401) sessionEnded();
});
