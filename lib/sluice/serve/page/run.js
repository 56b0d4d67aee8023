// One run, step by step, as the server tells of it, and what became of it.

import { bad, byId, element, quiet, visible } from "./dom.js";
import { rejectExample, status, stepsTable } from "./overview.js";
import { duration, number } from "./words.js";

const OUTCOMES = ["read", "inserted", "updated", "unchanged", "duplicate", "deleted", "rejected"];
const LINES = 500; // messages that are kept
const STATES = { queued: "Waiting for its turn …", running: "Running …", done: "Done.", failed: "Failed." };

let events = null; // of the run that is shown
let clock = null;
let begun = null; // the step that runs: its element, and when it began

/** Shows the run from its beginning, until it ends; `ended` is called then. */
export function watch(run, title, ended) {
  events?.close();
  clear(title);
  events = new EventSource(`runs/${encodeURIComponent(run)}/events`); // reconnects, and asks only for what it missed
  const on = (name, show) => events.addEventListener(name, (event) => show(JSON.parse(event.data)));
  on("state", showState);
  on("step", showStep);
  on("line", showLine);
  on("end", (found) => {
    stop();
    showEnd(found);
    ended();
  });
  events.addEventListener("error", () => {
    const closed = events.readyState === EventSource.CLOSED;
    byId("run-state").textContent = closed ? "The server does not tell of this run: load the page again." : "Connecting again …";
    if (closed) stop();
  });
}

function clear(title) {
  stop();
  byId("run-title").textContent = visible(title);
  byId("run-state").textContent = "Sent.";
  emptied("run-steps", "run-lines", "run-result");
  byId("run").hidden = false;
  clock = setInterval(tick, 100);
}

function stop() {
  events?.close();
  clearInterval(clock);
  begun = null;
}

/** Each time it runs, after a server or a job was killed too, its steps begin anew. */
function showState({ state }) {
  byId("run-state").textContent = STATES[state] ?? visible(state);
  if (state === "running") emptied("run-steps", "run-lines");
}

/** A step that begins, or, with its seconds (null if they are not known), the end of the one that ran. */
function showStep({ step, table, ...rest }) {
  if ("seconds" in rest) return endStep(rest.seconds);
  const item = element("li", { class: "runs" }, element("span", {}, step), element("span", { class: "took" }));
  if (table) item.title = visible(table);
  byId("run-steps").append(item);
  begun = { item, at: performance.now() };
}

function endStep(seconds) {
  if (begun === null) return;
  begun.item.className = "ended";
  begun.item.lastChild.textContent = seconds === null ? "" : duration(seconds);
  begun = null;
}

function tick() {
  if (begun) begun.item.lastChild.textContent = duration((performance.now() - begun.at) / 1000);
}

function emptied(...ids) {
  for (const id of ids) byId(id).replaceChildren();
  begun = null;
}

function showLine({ message, level }) {
  const lines = byId("run-lines");
  lines.append(element("li", { class: { error: "bad", warning: "odd" }[level] }, level === "info" ? "" : `${level}: `, message));
  if (lines.children.length > LINES) lines.firstChild.remove();
}

function showEnd(found) {
  const leaves = parts(found.report);
  const taken = leaves.filter((part) => !["aggregate", "export"].includes(part.job));
  const counts = OUTCOMES.map((name) => [name, taken.reduce((sum, part) => sum + (part[`rows_${name}`] ?? 0), 0)]);
  const steps = leaves.flatMap((part) => Object.entries(part.seconds ?? {}).map(([name, seconds]) => [`${part.job}: ${name}`, seconds]));
  byId("run-state").replaceChildren(status(found.state), found.report ? `: ${summary(counts)}` : "");
  byId("run-result").replaceChildren(
    ...[found.report?.error ?? found.error].filter(Boolean).map((text) => bad(text)),
    ...(found.batch && found.batch !== found.run_id ? [quiet(`It was taken in one run with others, ${found.batch}; rows are those of all.`)] : []),
    ...(steps.length ? [stepsTable(steps)] : []),
    ...rejects(found.rejects ?? []),
  );
}

const summary = (counts) => counts.filter(([name, rows]) => name === "read" || rows).map(([name, rows]) => `${number(rows)} ${name}`).join(", ");

/** The parts of a job that have none themselves, or the job. */
function parts(report) {
  if (!report) return [];
  return [report, ...(report.steps ?? []).flatMap(parts)].filter((part) => !part.steps?.length || Object.keys(part.seconds).length);
}

function rejects(found) {
  if (!found.length) return [];
  return [element("h4", {}, "Rejects of this file"), ...found.flatMap(rejectExample)];
}
