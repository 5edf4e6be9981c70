// @ts-check
// Fields that name a person offer those whom a search finds.

const QUIET_MS = 250;
const list = document.querySelector("datalist#people");

for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-people]"))) {
  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void offer(field.value.trim()), QUIET_MS);
  });
}

/** @param {string} text */
async function offer(text) {
  const answer = text && (await fetch(`/api/portal/admin/people?q=${encodeURIComponent(text)}`).catch(() => null));
  if (!answer || !answer.ok) return;
  /** @type {{items: Array<{person_id: string, name: string}>}} */
  const { items } = await answer.json();
  list?.replaceChildren(...items.slice(0, 20).map(({ person_id, name }) => new Option(name, person_id)));
}
