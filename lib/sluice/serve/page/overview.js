// Tables, runs and rejects of the lake, as GET /overview has them.

import { get } from "./api.js";
import { bad, byId, drawn, element, legend, quiet, table } from "./dom.js";
import { duration, lag, moment, number, size } from "./words.js";

const KINDS = { succeeded: "good", nothing_new: "good", done: "good", running: "run", queued: "run", interrupted: "odd" };
const COUNTS = ["files", "rows_read", "rows_rejected", "rows_inserted", "rows_updated", "rows_unchanged", "table_version"];
const STEP_COLOURS = 8;

/** How a run ended, or that it runs, not by colour alone. */
export function status(value) {
  return element("span", { class: `nowrap ${KINDS[value] ?? "bad"}` }, value.replaceAll("_", " "));
}

/** Shows the lake as it is now; gives its tables without aggregates, for the choice of an upload's. */
export async function refresh() {
  try {
    const found = await get("overview");
    byId("lake").textContent = found.lake;
    byId("as-of").textContent = `as of ${moment(found.now)}; all times are UTC`;
    byId("tables-list").replaceChildren(tables(found.tables));
    byId("runs-list").replaceChildren(...runs(found.runs));
    byId("rejects-list").replaceChildren(...rejects(found.rejects));
    return found.tables.filter((row) => !row.aggregate_of).map((row) => row.table);
  } catch (problem) {
    byId("as-of").textContent = problem.message;
    return [];
  }
}

const TABLE_COLUMNS = [
  { heading: "table", cell: tableName },
  { heading: "rows", number: true, cell: (row) => number(row.rows) },
  { heading: "size", number: true, cell: (row) => size(row.bytes) },
  { heading: "version", number: true, cell: (row) => number(row.version) },
  { heading: "last run", cell: (row) => row.last_run && lastRun(row.last_run) },
  { heading: "rejects", number: true, cell: (row) => number(row.rejects || null) },
  { heading: "behind its table", cell: (row) => row.lag && lagged(row.lag) },
  { heading: "in PostgreSQL", cell: inPostgres },
];

function tables(rows) {
  const exist = rows.filter((row) => row.version !== null || row.error || row.last_run);
  const missing = rows.filter((row) => !exist.includes(row)).map((row) => row.table);
  const shown = exist.length ? table("Tables, each with its aggregates", TABLE_COLUMNS, exist) : quiet("No table is in the lake.");
  return element("div", {}, shown, missing.length ? quiet(`Not in the lake yet: ${missing.join(", ")}`) : []);
}

function tableName(row) {
  const name = element("span", { class: row.aggregate_of ? "aggregate" : null }, row.table);
  return row.error ? element("div", {}, name, bad(row.error)) : name;
}

function lastRun(run) {
  const ago = duration(run.hours_ago * 3600);
  const when = run.status === "running" ? `for ${ago}` : `${ago} ago`;
  return element("span", { class: "nowrap", title: moment(run.started_at) }, `${run.job} `, status(run.status), ` ${when}`);
}

const lagged = (value) => element("span", { class: value.versions === 0 ? "good" : "odd" }, lag(value));

function inPostgres(row) {
  return element("div", {}, row.exports.map((each) => element("div", {}, `${each.schema}: `, lagged(each.lag))));
}

function runs(found) {
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
    counts.length ? element("p", {}, counts.map((name) => `${name.replaceAll("_", " ")} ${number(run.report[name])}`).join(", ")) : [],
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
    const box = { x: x.toFixed(1), y: 0, width: width.toFixed(1), height: 10, class: `step-${kinds.get(kindOf(name))}` };
    x += width;
    return drawn("g", {}, drawn("title", {}, `${name}: ${seconds.toFixed(1)} s`), drawn("rect", box));
  });
  const label = steps.map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`).join(", ") || "no steps";
  const attributes = { viewBox: "0 0 1000 10", preserveAspectRatio: "none", class: "bar", role: "img", "aria-label": label };
  return drawn("svg", attributes, parts);
}

function rejects(groups) {
  if (!groups.length) return [quiet("There are no rejects.")];
  const names = [...new Set(groups.map((group) => group.table))];
  return names.flatMap((name) => {
    const of = groups.filter((group) => group.table === name);
    const total = of.reduce((sum, group) => sum + group.count, 0);
    return [element("h3", {}, `${name}: ${number(total)}`), ...of.map(rejectGroup)];
  });
}

function rejectGroup(group) {
  const count = element("span", { class: "nowrap" }, number(group.count));
  const head = element("span", { class: "what" }, count, element("span", {}, group.reason));
  return element("details", {}, element("summary", {}, head), group.examples.flatMap(rejectExample));
}

/** A record that could not become a row: where it is, why, and its text. */
export function rejectExample({ file, position, reason, raw }) {
  const where = file ? `${file}, byte ${number(position)}` : `byte ${number(position)}`;
  return [quiet(`${where}: ${reason}`), element("pre", { tabindex: 0 }, raw)];
}
