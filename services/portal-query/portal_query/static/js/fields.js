// @ts-check
// Errors beside the fields that they are about.

/** @param {HTMLElement} form */
export function clearErrors(form) {
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll(".field-error:not([data-signed-out])"))) {
    each.hidden = true;
    each.textContent = "";
  }
  form.querySelector("[data-signed-out]")?.toggleAttribute("hidden", true);
  for (const each of form.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
}

/**
 * @param {HTMLElement} form @param {string} name @param {string} text
 * @returns {boolean} false where there is no such field
 */
export function showError(form, name, text) {
  const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  const place = /** @type {HTMLElement | null} */ (field?.querySelector(".field-error"));
  if (!field || !place) return false;
  place.textContent = text;
  place.hidden = false;
  const input = /** @type {HTMLElement | null} */ (field.querySelector("input[name], select, textarea, [role=textbox]"));
  input?.setAttribute("aria-invalid", "true");
  // Focus reads the description: the error is announced with its field.
  if (form.querySelector("[aria-invalid]") === input) input?.focus();
  return true;
}

/** @param {HTMLElement} form @param {string} text */
export function showFailure(form, text) {
  const place = /** @type {HTMLElement} */ (form.querySelector("[data-failure]"));
  place.textContent = text;
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
}
