// @ts-check
// The words that scripts say: the page brings them, in the reader's language.

/** @typedef {(name: string, values?: Record<string, string>) => string} Say */

/** @param {Element} within @returns {Say} */
export function wordsOf(within) {
  const words = JSON.parse(within.querySelector("[data-words]")?.textContent ?? "{}");
  return (name, values = {}) =>
    Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, value), words[name] ?? "");
}
