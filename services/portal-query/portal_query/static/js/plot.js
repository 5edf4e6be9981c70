// @ts-check
// A plot of the last minutes, with its latest value in words for those who do not see it.
import uPlot from "../vendor/uplot.js";

/** @typedef {[times: number[], values: (number | null)[]]} Points */

const WINDOW_SECONDS = 300;

export class Plot {
  /** @type {Points} */
  #points;

  /** @param {HTMLElement} figure */
  constructor(figure) {
    this.figure = figure;
    this.place = `relato-plot ${figure.dataset.plot}`;
    this.#points = kept(this.place);
    this.now = /** @type {HTMLElement} */ (figure.querySelector("[data-plot-now]"));
    this.canvas = /** @type {HTMLElement} */ (figure.querySelector("[data-plot-canvas]"));
    this.numbers = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
    this.plot = this.#drawn();
    addEventListener("pagehide", () => sessionStorage.setItem(this.place, JSON.stringify(this.#points)));
    new ResizeObserver(() => this.plot.setSize(this.#size())).observe(this.canvas);
    // Colours are taken when something is drawn: the theme may have changed since.
    new MutationObserver(() => this.plot.redraw(false)).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  }

  /** @param {number} at seconds @param {number | null} value */
  add(at, value) {
    const [times, values] = this.#points;
    times.push(at);
    values.push(value);
    while (times[0] < at - WINDOW_SECONDS) {
      times.shift();
      values.shift();
    }
    this.plot.setData(this.#points, false);
    this.plot.setScale("x", { min: at - WINDOW_SECONDS, max: at });
    this.now.textContent = value === null ? "–" : `${this.numbers.format(value)} ${this.figure.dataset.unit ?? ""}`.trim();
  }

  #size() {
    return { width: Math.max(120, this.canvas.clientWidth), height: 140 };
  }

  #drawn() {
    const ink = (/** @type {string} */ name) => () => getComputedStyle(this.canvas).getPropertyValue(name).trim();
    const time = new Intl.DateTimeFormat(document.documentElement.lang, {
      hour: "2-digit", minute: "2-digit", timeZone: document.documentElement.dataset.zone || undefined,
    });
    const axis = { stroke: ink("color"), grid: { stroke: ink("border-color"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    return new uPlot(
      {
        ...this.#size(),
        padding: [8, 8, 0, 0],
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { time: true }, y: { range: (_plot, _low, high) => [0, Math.max(1, (high ?? 0) * 1.1)] } },
        axes: [
          { ...axis, space: 90, size: 28, values: (_plot, ticks) => ticks.map((each) => time.format(each * 1000)) },
          { ...axis, size: 52, values: (_plot, ticks) => ticks.map((each) => this.numbers.format(each)) },
        ],
        series: [{}, { stroke: ink("outline-color"), width: 2, points: { show: true, size: 3, filter: () => alone(this.#points[1]) } }],
      },
      this.#points,
      this.canvas,
    );
  }
}

/** What was measured before the page was loaded anew, in this tab. @param {string} place @returns {Points} */
function kept(place) {
  return JSON.parse(sessionStorage.getItem(place) ?? "[[], []]");
}

/** Where there is something between two times when nothing was: no line leads there. @param {(number | null)[]} values */
function alone(values) {
  const none = (/** @type {number} */ place) => (values[place] ?? null) === null;
  return [...values.keys()].filter((place) => !none(place) && none(place - 1) && none(place + 1));
}
