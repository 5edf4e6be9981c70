// @ts-check
// The server's drafts: each has a tag, and is replaced or removed by those alone who know it as it is.
import { ask } from "./ask.js";

/** What a composer holds, by field. @typedef {Record<string, string>} Written */
/** @typedef {{kind: string, saved_at: string, etag: string, draft: Written}} Kept */

/** Where a tab keeps a draft that the server does not have. @param {string} address of one draft */
export function placeOf(address) {
  return `relato-draft ${document.documentElement.dataset.person} ${address}`;
}

/** One question for all composers of a page. @type {Map<string, Promise<Kept[]>>} */
const asking = new Map();

/** @param {string} address of a ticket's drafts @param {string} kind @returns {Promise<Kept | undefined>} rejected where no answer came */
export async function find(address, kind) {
  const asked =
    asking.get(address) ??
    ask(address, { cache: "no-store" })
      .then(async (answer) => {
        if (!answer.ok) throw new Error(`${answer.status}`);
        return /** @type {Kept[]} */ ((await answer.json()).items);
      })
      .finally(() => asking.delete(address));
  asking.set(address, asked);
  return (await asked).find((each) => each.kind === kind);
}

/**
 * @param {string} address of one draft @param {Written | null} written null: it is not wanted any more
 * @param {string} tag of the one that is known, empty where none is @param {boolean} [leaving] the page goes, and the request outlives it
 */
export function put(address, written, tag, leaving = false) {
  return ask(address, {
    method: written ? "PUT" : "DELETE",
    headers: {
      ...(written && { "Content-Type": "application/json" }),
      ...(tag ? { "If-Match": tag } : written && { "If-None-Match": "*" }),
    },
    body: written && JSON.stringify(written),
    keepalive: leaving,
  });
}

/** @param {Response} answer @returns {string} the draft's tag, without what a front door that compresses adds to it */
export function tagOf(answer) {
  return (answer.headers.get("ETag") ?? "").replace(/-[a-z]+"$/, '"');
}
