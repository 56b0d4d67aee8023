// One run, step by step, as the server tells of it, and what became of it.

import { bad, byId, element, visible } from "./dom.js";
import { rejectExample } from "./overview.js";
import { status, stepsTable } from "./runs.js";
import { duration, number } from "./words.js";

const OUTCOMES = ["read", "inserted", "updated", "unchanged", "duplicate", "deleted", "rejected"];
const LINES = 500; // messages that are kept
const STATES = { queued: "Waiting for its turn …", running: "Running …", done: "Done.", failed: "Failed." };

let events = null; // of the run that is shown
let clock = null;
let reached = "queued"; // the state of that run
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
  events.addEventListener("open", () => (byId("run-state").textContent = STATES[reached]));
  events.addEventListener("error", () => {
    const closed = events.readyState === EventSource.CLOSED;
    byId("run-state").textContent = closed
      ? "The server does not tell of this run: load the page again."
      : "Connecting again …";
    if (closed) stop();
  });
}

function clear(title) {
  stop();
  byId("run-title").textContent = visible(title);
  reached = "queued";
  byId("run-state").textContent = STATES[reached];
  emptied("run-steps", "run-notice", "run-lines", "run-result");
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
  reached = state;
  byId("run-state").textContent = STATES[state];
  if (state === "running") emptied("run-steps", "run-notice", "run-lines");
}

/** A step that begins, or, with its seconds (null if they are not known), the end of the one that ran. */
function showStep({ step, table, ...rest }) {
  endStep(rest.seconds ?? null);
  if ("seconds" in rest) return;
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
  lines.append(
    element("li", { class: { error: "bad", warning: "odd" }[level] }, level === "info" ? "" : `${level}: `, message),
  );
  if (level !== "info") byId("run-notice").textContent = visible(message); // such as that it is tried again
  if (lines.children.length > LINES) lines.firstChild.remove();
}

function showEnd(found) {
  const all = parts(found.report);
  const steps = all.flatMap((part) =>
    Object.entries(part.seconds).map(([name, took]) => [`${part.job}: ${name}`, took]),
  );
  byId("run-notice").replaceChildren();
  byId("run-state").replaceChildren(status(found.state), `: ${summary(found, all)}`);
  byId("run-result").replaceChildren(
    ...(found.error ? [bad(found.error)] : []),
    ...(found.rejects.length
      ? [element("h4", {}, "Rejects of this file"), ...found.rejects.flatMap(rejectExample)]
      : []),
    ...(steps.length ? [element("details", {}, element("summary", {}, "Seconds by step"), stepsTable(steps))] : []),
  );
}

/** What became of the rows; of one file among others that the job read together, only what is known of it alone. */
function summary(found, all) {
  const ingest = all.find((part) => part.job === "ingest") ?? {};
  const others = found.batch_uploads - 1;
  const rows = others ? found : ingest;
  const counts = OUTCOMES.filter((name) => rows[`rows_${name}`]).map(
    (name) => `${number(rows[`rows_${name}`])} ${name}`,
  );
  const said = counts.join(", ") || "no rows";
  return others ? `${said}, in one job with ${number(others)} other uploads` : said;
}

/** A report and those of its parts, all the way down. */
const parts = (report) => (report ? [report, ...(report.steps ?? []).flatMap(parts)] : []);
