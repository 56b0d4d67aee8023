// Tables, runs and rejects of the lake, as GET /overview has them.

import { get } from "./api.js";
import { bad, byId, element, quiet, table } from "./dom.js";
import { runs, status } from "./runs.js";
import { duration, lag, moment, number, size } from "./words.js";

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
  const shown = exist.length
    ? table("Tables, each with its aggregates", TABLE_COLUMNS, exist)
    : quiet("No table is in the lake.");
  return element("div", {}, shown, missing.length ? quiet(`Not in the lake yet: ${missing.join(", ")}`) : []);
}

function tableName(row) {
  const name = element("span", { class: row.aggregate_of ? "aggregate" : null }, row.table);
  return row.error ? element("div", {}, name, bad(row.error)) : name;
}

function lastRun(run) {
  const ago = duration(run.hours_ago * 3600);
  const when = run.status === "running" ? `for ${ago}` : `${ago} ago`;
  return element(
    "span",
    { class: "nowrap", title: moment(run.started_at) },
    `${run.job} `,
    status(run.status),
    ` ${when}`,
  );
}

const lagged = (value) => element("span", { class: value.versions === 0 ? "good" : "odd" }, lag(value));

function inPostgres(row) {
  return element(
    "div",
    {},
    row.exports.map((each) => element("div", {}, `${each.schema}: `, lagged(each.lag))),
  );
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
