// @ts-check
// Rows from the page's own templates: what they say is filled in as text, never as markup.

/** @typedef {Record<string, string | number | null | undefined>} Slots */

/** @param {string} name @param {Slots} slots @returns {HTMLElement} */
export function row(name, slots) {
  const template = /** @type {HTMLTemplateElement} */ (document.querySelector(`template[data-row="${name}"]`));
  const made = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  return fill(made, slots);
}

/** @param {HTMLElement} within @param {Slots} slots @returns {HTMLElement} */
export function fill(within, slots) {
  for (const [name, value] of Object.entries(slots)) {
    const place = /** @type {HTMLElement | null} */ (within.querySelector(`[data-slot="${name}"]`));
    if (!place) continue;
    if (place instanceof HTMLTimeElement && value) when(place, String(value));
    else if (place instanceof HTMLProgressElement) place.value = Number(value);
    else if (place.textContent !== String(value ?? "")) place.textContent = String(value ?? "");
  }
  return within;
}

/**
 * One row for each item: those that are there already stay, with the focus that may be in them.
 *
 * @template T
 * @param {HTMLElement} within @param {T[]} items
 * @param {(item: T) => string} key @param {(item: T) => HTMLElement} make @param {(row: HTMLElement, item: T) => void} renew
 */
export function keepRows(within, items, key, make, renew) {
  const known = new Map([...within.children].map((each) => [/** @type {HTMLElement} */ (each).dataset.key, /** @type {HTMLElement} */ (each)]));
  items.forEach((item, place) => {
    const id = key(item);
    const here = known.get(id) ?? make(item);
    known.delete(id);
    here.dataset.key = id;
    renew(here, item);
    if (within.children[place] !== here) within.insertBefore(here, within.children[place] ?? null);
  });
  for (const gone of known.values()) gone.remove();
}

/** @param {HTMLTimeElement} place @param {string} time */
function when(place, time) {
  if (place.dateTime === time) return;
  const zone = document.documentElement.dataset.zone || undefined;
  place.dateTime = time;
  place.textContent = new Date(time).toLocaleString(document.documentElement.lang, { dateStyle: "short", timeStyle: "medium", timeZone: zone });
}
