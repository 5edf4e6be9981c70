// @ts-check
// What this tab has sent and can still take back: kept until its time is up, so that it can be from other pages, too.

/** @typedef {import("./drafts.js").Written} Written */
/**
 * @typedef {object} Held
 * @property {string} id
 * @property {string} at until when
 * @property {Written | null} written what was recorded to be sent; null where it was there before
 * @property {string} ticket
 * @property {string} action below which it is undone
 * @property {string} address where its mail goes
 */

const PLACE = `relato-held ${document.documentElement.dataset.person}`;

/** @returns {Held[]} the latest first */
export function kept() {
  return JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
}

/** @param {Held} held */
export function keep(held) {
  if (!kept().some(({ id }) => id === held.id)) save([held, ...kept()]);
}

/** @param {string} id */
export function forget(id) {
  save(kept().filter((each) => each.id !== id));
}

/** @param {Held[]} all */
function save(all) {
  if (all.length) sessionStorage.setItem(PLACE, JSON.stringify(all));
  else sessionStorage.removeItem(PLACE);
}
