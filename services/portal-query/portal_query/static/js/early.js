// @ts-check
// What is pressed before the page's scripts are there is done once they are: they may take long to arrive.
(() => {
  /** @type {Set<HTMLElement>} */
  const pressed = new Set();

  /** @param {Event} event */
  const keep = (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (!button?.matches("[type=button], form[method=dialog] *")) return; // the browser knows what others do
    event.preventDefault();
    event.stopImmediatePropagation();
    pressed.add(button);
  };

  document.addEventListener("click", keep, true);
  document.addEventListener("DOMContentLoaded", () => {
    document.removeEventListener("click", keep, true);
    for (const button of pressed) button.click();
  });
})();
