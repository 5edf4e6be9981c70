// @ts-check
// Whoever leaves a page is asked where something would go with it. Where the page leaves by itself it comes back in
// the same tab, and with what is kept there.

/** @type {Array<() => boolean>} */
const asking = [];
let byItself = false;

/** @param {() => boolean} loses whether something would be lost with the tab */
export function askBeforeLeaving(loses) {
  asking.push(loses);
  addEventListener("beforeunload", (event) => {
    if (!byItself && loses()) event.preventDefault();
  });
}

/** Whether who leaves is asked, and may stay. */
export function asks() {
  return asking.some((loses) => loses());
}

/** @param {() => void} go */
export function leave(go) {
  byItself = true;
  go();
}
