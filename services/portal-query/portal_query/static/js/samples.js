// @ts-check
// What processes measure, as rates: a counter says how often something happened since its process began.

/** @typedef {{name: string, labels: Record<string, string>, value: number | null}} Sample  null: not known just now */
/** @typedef {{service: string, instance: string, started_at: string, at: string, ready: boolean, missing: Record<string, string>, samples: Sample[]}} Watched */

const FRESH_MS = 15_000;

/** The last two looks at each process. */
export class Looks {
  /** @type {Map<string, {before: Watched | null, last: Watched}>} */
  #of = new Map();

  /** @param {Watched} watched */
  add(watched) {
    const id = `${watched.service} ${watched.instance}`;
    this.#of.set(id, { before: this.#of.get(id)?.last ?? null, last: watched });
  }

  /** @returns {Watched[]} each process of which something was heard lately */
  get fresh() {
    return [...this.#lately()].map(({ last }) => last);
  }

  /** @param {string} name @param {Record<string, string>} [labels] @returns {number | null} a second, of all processes together */
  rate(name, labels = {}) {
    let rate = null;
    for (const { before, last } of this.#lately()) {
      const [was, is] = [before && sum(before, name, labels), sum(last, name, labels)];
      if (!before || was === null || is === null) continue;
      const seconds = (Date.parse(last.at) - Date.parse(before.at)) / 1000;
      if (seconds > 0) rate = (rate ?? 0) + Math.max(0, is - was) / seconds;
    }
    return rate;
  }

  /** @param {string} name @param {(labels: Record<string, string>) => boolean} [counts] @returns {number | null} */
  total(name, counts) {
    const values = this.#values(name, counts);
    return values.length ? values.reduce((one, other) => one + other, 0) : null;
  }

  /** @param {string} name @returns {number | null} */
  greatest(name) {
    const values = this.#values(name);
    return values.length ? Math.max(...values) : null;
  }

  /** @param {string} name @param {(labels: Record<string, string>) => boolean} [counts] @returns {number[]} by labels */
  #values(name, counts = () => true) {
    // What all processes read of one database is there once.
    /** @type {Map<string, number>} */
    const values = new Map();
    for (const each of this.fresh.flatMap(({ samples }) => samples)) {
      if (each.name !== name || each.value === null || !counts(each.labels)) continue;
      const of = JSON.stringify(Object.entries(each.labels).sort());
      values.set(of, Math.max(values.get(of) ?? 0, each.value));
    }
    return [...values.values()];
  }

  #lately() {
    const newest = Math.max(...[...this.#of.values()].map(({ last }) => Date.parse(last.at)));
    return [...this.#of.values()].filter(({ last }) => Date.parse(last.at) > newest - FRESH_MS);
  }
}

/** @param {Watched} watched @param {string} name @param {Record<string, string>} labels @returns {number | null} */
function sum(watched, name, labels) {
  const those = watched.samples.filter(
    (each) => each.name === name && Object.entries(labels).every(([label, value]) => each.labels[label] === value),
  );
  return those.length ? those.reduce((total, each) => total + (each.value ?? 0), 0) : null;
}
