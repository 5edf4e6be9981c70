// @ts-check
// Rows that are chosen by their check boxes, and buttons that say for how many they are: for these, else for all.

/** @typedef {import("./words.js").Say} Say */

/** @param {HTMLElement} line @param {{value: string, name?: string, label: string}} given @param {() => void} changed */
export function box(line, { value, name, label }, changed) {
  const made = /** @type {HTMLInputElement} */ (line.querySelector("[data-chosen]"));
  made.value = value;
  made.name = name ?? "";
  made.setAttribute("aria-label", label);
  made.addEventListener("change", changed);
}

/** @param {HTMLElement} list */
export function chosen(list) {
  return /** @type {HTMLInputElement[]} */ ([...list.querySelectorAll("[data-chosen]:checked")]);
}

/** @param {HTMLButtonElement} tool @param {number} number chosen ones @param {string} action @param {Say} say */
export function name(tool, number, action, say) {
  const place = tool.querySelector("[data-act-name]");
  // What is done to chosen ones alone is never for all.
  const text = number || "each" in tool.dataset ? say("chosen", { action, number: String(number) }) : say("all", { action });
  if (place && place.textContent !== text) place.textContent = text;
}

/** What is named in one request, at most. */
const AT_ONCE = 200;

/** @param {string[]} ids @returns {string[][]} in pieces that a request may name */
export function pieces(ids) {
  return ids.length ? [ids.slice(0, AT_ONCE), ...pieces(ids.slice(AT_ONCE))] : [];
}
