// @ts-check
// Time spent as people write it: 1h30, 1h, 30min, 90, 1:30.

const FORMS = [/^(?<minutes>\d+)\s*(?:m|min)?$/, /^(?<hours>\d+)\s*[h:]\s*(?<minutes>\d{1,2})?\s*(?:m|min)?$/];

/** @param {number} total whole minutes @returns {string} as people write it: 1h30, 45; nothing for none */
export function written(total) {
  if (total < 60) return total ? String(total) : "";
  return `${Math.floor(total / 60)}h${total % 60 ? String(total % 60).padStart(2, "0") : ""}`;
}

/**
 * @param {string} text
 * @returns {number | null} whole minutes; null for what is no duration
 */
export function minutes(text) {
  const given = text.trim().toLowerCase();
  if (given === "") return 0;
  for (const form of FORMS) {
    const parts = form.exec(given)?.groups;
    if (!parts) continue;
    const rest = Number(parts.minutes ?? 0);
    if (parts.hours !== undefined && rest > 59) return null;
    return Number(parts.hours ?? 0) * 60 + rest;
  }
  return null;
}
