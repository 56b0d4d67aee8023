// Latency of a customer's requests by day.

import { get } from "./api.js";
import { lineSample, linesByDay } from "./chart.js";
import { byId, element, legend, scrolled, table, visible } from "./dom.js";
import { number } from "./words.js";

const LINES = [
  ["99 of 100 within", "duration_p99", "series-1"],
  ["mean", "duration_mean", "series-2"],
  ["half within", "duration_p50", "series-0"],
];
const COLUMNS = [
  { heading: "day", cell: (row) => row.date },
  ...LINES.map(([heading, column]) => ({ heading, number: true, cell: (row) => number(row[column]) })),
  { heading: "succeeded", number: true, cell: (row) => number(row.success_requests) },
  { heading: "failed", number: true, cell: (row) => number(row.failed_requests) },
  { heading: "uptime %", number: true, cell: (row) => number(row.uptime_percentage) },
];

export function start() {
  byId("latency-form").addEventListener("submit", (event) => {
    event.preventDefault();
    refresh();
  });
}

/** Shows the customer that is asked for; at first the first one that PostgreSQL has. */
export async function refresh() {
  const asked = byId("latency-customer");
  try {
    asked.value ||= await firstCustomer();
    if (asked.value) await show(asked.value);
  } catch (problem) {
    byId("latency-chart").replaceChildren();
    byId("latency-state").textContent = problem.message;
  }
}

async function firstCustomer() {
  const { rows } = await get("tables/resource_statistics_by_day", { limit: 1 });
  return rows[0]?.customer_id ?? "";
}

async function show(customer) {
  const days = { from: byId("latency-from").value, to: byId("latency-to").value };
  const { rows } = await get(`customers/${encodeURIComponent(customer)}/stats`, days);
  byId("latency-chart").replaceChildren(...(rows.length ? chart(customer, rows) : []));
  const found = rows.length ? `${rows.length} days` : "no requests on these days";
  byId("latency-state").textContent = visible(`customer ${customer}: ${found}`);
}

function chart(customer, rows) {
  const title = `Seconds a request of customer ${customer}, by day`;
  const points = rows.map((row) => ({ ...row, day: row.date }));
  const drawing = linesByDay(title, "seconds a request", points, LINES);
  const numbers = element("details", {}, element("summary", {}, "The numbers"), table(title, COLUMNS, rows));
  const names = legend(LINES.map(([name, , kind]) => [name, lineSample(kind)]));
  return [element("h3", {}, title), names, element("figure", {}, scrolled(title, drawing), numbers)];
}
