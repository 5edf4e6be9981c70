// @ts-check
// A request in the name of the person that this page was made for: refused where another has logged in since.

/** @param {string} address @param {RequestInit & {headers?: Record<string, string>}} [how] */
export function ask(address, how = {}) {
  const person = document.documentElement.dataset.person;
  return fetch(address, { ...how, headers: { ...how.headers, ...(person && { "Relato-Person": person }) } });
}
