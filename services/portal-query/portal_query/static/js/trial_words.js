// @ts-check
// What is wrong with a template and what became of a test, in the reader's language.

/** @typedef {{pointer: string, detail: string, code?: string, values?: Record<string, string>}} Fault */

/** @type {Record<string, string>} */
const words = JSON.parse(document.querySelector("[data-trial-words]")?.textContent ?? "{}");

/** @param {string} word @param {Record<string, string>} values */
export function told(word, values = {}) {
  return (words[word] ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** @param {Fault} fault */
export function beside({ detail, code = "", values = {} }) {
  const what = told(code, values) || detail || told("invalid");
  if (values.line && words[code]) return told("line", { line: values.line, what });
  return what.charAt(0).toUpperCase() + what.slice(1);
}
