// @ts-check
// Clocks of the reader's zone, which need not be the machine's.

/**
 * @param {Date} moment @param {string} zone
 * @returns {string} as an input of type datetime-local has it
 */
export function wallClock(moment, zone) {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  });
  return format.format(moment).replace(" ", "T");
}

/**
 * @param {Date} moment @param {string} zone
 * @returns {string} as its reader writes it, with the day where that is not today
 */
export function forReader(moment, zone) {
  const [day, today] = [moment, new Date()].map((each) => wallClock(each, zone).slice(0, 10));
  return moment.toLocaleString(document.documentElement.lang, {
    dateStyle: day === today ? undefined : "short", timeStyle: "short", timeZone: zone,
  });
}

/**
 * @param {string} wall @param {string} zone
 * @returns {Date} when clocks of that zone showed this
 */
export function moment(wall, zone) {
  const asIfUtc = Date.parse(`${wall}Z`);
  let guess = asIfUtc;
  // Twice, since the offset at the first guess may be that of the other side of a change of clocks.
  for (let round = 0; round < 2; round += 1) guess += asIfUtc - Date.parse(`${wallClock(new Date(guess), zone)}Z`);
  return new Date(guess);
}
