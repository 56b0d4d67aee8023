// The form of an upload, and the latest ones.

import { get, upload } from "./api.js";
import { byId, element, quiet, table } from "./dom.js";
import { status } from "./runs.js";
import { watch } from "./watch.js";
import { moment } from "./words.js";

/** `ended` is called when a run that was watched has ended. */
export function start(ended) {
  byId("upload-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("upload-error").textContent = "";
    byId("upload-button").disabled = true;
    try {
      await send(ended);
    } catch (problem) {
      byId("upload-error").textContent = problem.message;
    }
    byId("upload-button").disabled = false;
  });
}

async function send(ended) {
  const [table, file] = [byId("upload-table").value, byId("upload-file").files[0]];
  const bar = byId("upload-sent");
  bar.hidden = false;
  try {
    const fields = [...byId("upload-options").querySelectorAll("input")];
    const options = Object.fromEntries(fields.map((field) => [field.name, field.value]));
    const accepted = await upload(table, file, options, byId("upload-token").value, (part) => (bar.value = part));
    watch(accepted.run_id, `${file.name} into ${table}`, ended);
    byId("run").focus();
  } finally {
    bar.hidden = true;
  }
}

/** Offers these tables; the one that is chosen stays. */
export function offer(names) {
  const choice = byId("upload-table");
  const chosen = choice.value || "products";
  choice.replaceChildren(...names.map((name) => element("option", {}, name)));
  if (names.includes(chosen)) choice.value = chosen;
}

/** Lists the latest uploads, each with a button that shows its run. */
export async function refresh(ended) {
  const columns = [
    { heading: "file", cell: (run) => run.name },
    { heading: "table", cell: (run) => run.table },
    { heading: "state", cell: (run) => status(run.state) },
    { heading: "received", cell: (run) => element("span", { class: "nowrap" }, moment(run.received_at)) },
    { heading: "seconds", number: true, cell: seconds },
    { heading: "run", cell: (run) => showButton(run, ended) },
  ];
  try {
    const { rows } = await get("runs", { limit: 10 });
    const shown = rows.length
      ? table("Latest uploads, newest first", columns, rows)
      : quiet("Nothing was uploaded yet.");
    byId("uploads-list").replaceChildren(shown);
  } catch (problem) {
    byId("uploads-list").replaceChildren(quiet(problem.message));
  }
}

/** How long it took from the upload to the end. */
function seconds({ received_at, finished_at }) {
  return finished_at ? ((Date.parse(finished_at) - Date.parse(received_at)) / 1000).toFixed(1) : "";
}

function showButton(run, ended) {
  const name = `${run.name} into ${run.table}`;
  const button = element("button", { type: "button", class: "plain", "aria-label": `Show the run of ${name}` }, "show");
  button.addEventListener("click", () => {
    watch(run.run_id, name, ended);
    byId("run").focus();
  });
  return button;
}
