// Runs that the lake has recorded, with the seconds of their steps.

import { bad, drawn, element, legend, quiet, table } from "./dom.js";
import { moment, number } from "./words.js";

const KINDS = {
  succeeded: "good",
  nothing_new: "good",
  done: "good",
  running: "run",
  queued: "run",
  interrupted: "odd",
};
const COUNTS = [
  "files",
  "rows_read",
  "rows_rejected",
  "rows_inserted",
  "rows_updated",
  "rows_unchanged",
  "table_version",
];
const STEP_COLOURS = 8;

/** How a run ended, or that it runs, not by colour alone. */
export function status(value) {
  return element("span", { class: `nowrap ${KINDS[value] ?? "bad"}` }, value.replaceAll("_", " "));
}

/** The newest runs, each to be opened. */
export function runs(found) {
  if (!found.length) return [quiet("No run is recorded.")];
  const kinds = stepKinds(found);
  const all = (run) => Object.values(run.steps).reduce((sum, seconds) => sum + seconds, 0);
  const longest = Math.max(...found.map(all)) || 1;
  const named = [...kinds.keys()].slice(0, STEP_COLOURS - 1);
  if (kinds.size > named.length) named.push("others");
  const samples = named.map((name, at) => [name, drawn("rect", { width: 24, height: 10, class: `step-${at}` })]);
  const shown = found.map((run) => runDetails(run, longest, kinds));
  return [quiet("The newest runs, with the seconds of their steps to one scale:"), legend(samples), ...shown];
}

const kindOf = (step) => step.replace(/^.*: /, "").replace(/^send .*/, "send");

/** Which colour a step has: those first that took longest in all; the others share the last one. */
function stepKinds(found) {
  const took = new Map();
  for (const [name, seconds] of found.flatMap((run) => Object.entries(run.steps))) {
    took.set(kindOf(name), (took.get(kindOf(name)) ?? 0) + seconds);
  }
  const names = [...took.keys()].sort((one, other) => took.get(other) - took.get(one));
  return new Map(names.map((name, at) => [name, Math.min(at, STEP_COLOURS - 1)]));
}

function runDetails(run, longest, kinds) {
  const took = run.seconds === null ? "" : `${run.seconds.toFixed(1)} s`;
  const what = element(
    "span",
    { class: "what" },
    status(run.status),
    element("span", {}, `${run.job} `, element("b", {}, run.table)),
    element("span", { class: "quiet" }, took),
    element("span", { class: "when quiet nowrap" }, moment(run.started_at)),
  );
  const counts = COUNTS.filter((name) => run.report?.[name]);
  const steps = Object.entries(run.steps);
  return element(
    "details",
    {},
    element("summary", {}, what, stepsBar(steps, longest, kinds)),
    element("p", {}, `run ${run.run_id}, attempt ${run.attempt}`),
    counts.length
      ? element("p", {}, counts.map((name) => `${name.replaceAll("_", " ")} ${number(run.report[name])}`).join(", "))
      : [],
    run.error ? bad(run.error) : [],
    steps.length ? stepsTable(steps) : [],
  );
}

/** A table of pairs of a step and its seconds. */
export function stepsTable(steps) {
  const columns = [
    { heading: "step", cell: ([name]) => name },
    { heading: "seconds", number: true, cell: ([, seconds]) => seconds.toFixed(2) },
  ];
  return table("Seconds by step", columns, steps);
}

function stepsBar(steps, longest, kinds) {
  let x = 0;
  const parts = steps.map(([name, seconds]) => {
    const width = (seconds / longest) * 1000;
    const box = {
      x: x.toFixed(1),
      y: 0,
      width: width.toFixed(1),
      height: 10,
      class: `step-${kinds.get(kindOf(name))}`,
    };
    x += width;
    return drawn("g", {}, drawn("title", {}, `${name}: ${seconds.toFixed(1)} s`), drawn("rect", box));
  });
  const label = steps.map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`).join(", ") || "no steps";
  const attributes = {
    viewBox: "0 0 1000 10",
    preserveAspectRatio: "none",
    class: "bar",
    role: "img",
    "aria-label": label,
  };
  return drawn("svg", attributes, parts);
}
