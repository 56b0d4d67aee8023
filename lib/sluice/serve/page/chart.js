// Lines over days, drawn as SVG. What it shows is also in its title and in a table beside it.

import { drawn } from "./dom.js";
import { number } from "./words.js";

const [WIDTH, HEIGHT, LEFT, FOOT, TOP] = [1100, 260, 78, 44, 12];
const STEPS = 4; // of the upright axis
const DAY = 86_400_000;

/**
 * `points`: rows with a `day` (2024-10-15), in their order. `lines`: [name, column, class]; null values leave gaps.
 * `unit` is what the values are, for the label of the upright axis.
 */
export function linesByDay(title, unit, points, lines) {
  const days = points.map((point) => Date.parse(point.day));
  const step = roundStep(Math.max(...points.flatMap((point) => lines.map(([, column]) => point[column] ?? 0))) / STEPS);
  const most = step * STEPS;
  const span = Math.max(days.at(-1) - days[0], DAY);
  const x = (day) => LEFT + ((day - days[0]) / span) * (WIDTH - LEFT - 12);
  const y = (value) => TOP + (1 - value / most) * (HEIGHT - TOP);
  const shown = lines.map(([name, column, kind]) => {
    const known = points.map((point, at) => [x(days[at]), point[column] === null ? null : y(point[column]), point]);
    return drawn(
      "g",
      { class: kind },
      path(known),
      dots(known, (point) => `${point.day}: ${name} ${number(point[column])}`),
    );
  });
  return drawn(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT + FOOT}`, role: "img", "aria-label": title },
    scale(step, y, unit),
    dates(points, days, x),
    shown,
  );
}

/** How a line of a class looks, for a legend. */
export const lineSample = (kind) => drawn("g", { class: kind }, drawn("path", { d: "M0 5L24 5", class: "line" }));

function path(known) {
  let [d, move] = ["", true];
  for (const [x, y] of known) {
    if (y !== null) d += `${move ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    move = y === null;
  }
  return drawn("path", { d, class: "line" });
}

function dots(known, title) {
  const shown = known.filter(([, y]) => y !== null);
  return shown.map(([cx, cy, point]) =>
    drawn("circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: 3 }, drawn("title", {}, title(point))),
  );
}

/** The least of 1, 2, 2.5, 5 times a power of ten that is not below a value. */
function roundStep(value) {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return [1, 2, 2.5, 5, 10].find((times) => times * power >= value) * power;
}

/** The upright axis, with a line at each step. */
function scale(step, y, unit) {
  const ticks = [...Array(STEPS + 1).keys()].map((at) => {
    const height = y(at * step);
    const line = drawn("line", { x1: LEFT, x2: WIDTH, y1: height, y2: height, class: at ? "grid" : "axis" });
    const label = Number((at * step).toPrecision(6)).toLocaleString("en", { maximumFractionDigits: 9 });
    return [line, drawn("text", { x: LEFT - 8, y: height + 4, "text-anchor": "end" }, label)];
  });
  const middle = (TOP + HEIGHT) / 2;
  const turned = { x: 14, y: middle, transform: `rotate(-90 14 ${middle})`, "text-anchor": "middle" };
  return [...ticks.flat(), drawn("text", turned, unit)];
}

/** The axis of days: at most eight of them, the last among them. */
function dates(points, days, x) {
  const every = Math.ceil((points.length - 1) / 7) || 1;
  const chosen = points.filter((_, at) => (points.length - 1 - at) % every === 0);
  const labels = chosen.map((point) => {
    const at = x(Date.parse(point.day));
    const anchor = at > WIDTH - 60 ? "end" : "middle";
    return drawn("text", { x: at, y: HEIGHT + 18, "text-anchor": anchor }, point.day);
  });
  return [...labels, drawn("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT + 38, "text-anchor": "middle" }, "day (UTC)")];
}
