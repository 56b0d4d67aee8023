// The server's endpoints. Paths have no slash in front, so that the page works below any path of a reverse proxy.

/** Why a request failed, as one sentence. */
export class Problem extends Error {}

/** The JSON of an endpoint; `parameters` that are empty are left out. */
export async function get(path, parameters = {}) {
  let answer;
  try {
    answer = await fetch(path + query(parameters), { headers: { Accept: "application/json" } });
  } catch {
    throw new Problem("the server does not answer: is it running?");
  }
  return read(answer.status, await answer.text());
}

/**
 * Sends a file; `sent` is called with the part of it, 0 to 1, that is on its way. The answer has the run's id.
 * `options` are those of the file, by their names.
 */
export function upload(table, file, options, token, sent) {
  const request = new XMLHttpRequest(); // fetch does not say how much of a file is sent
  request.open("POST", `ingest/${encodeURIComponent(table)}${query({ name: file.name, ...options })}`);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
  request.upload.addEventListener("progress", (event) => sent(event.loaded / (event.total || 1)));
  return new Promise((resolve, reject) => {
    request.addEventListener("load", () => {
      try {
        resolve(read(request.status, request.responseText));
      } catch (problem) {
        reject(problem);
      }
    });
    const cut = "the upload broke off: the server ended, refused the file, or it changed meanwhile; upload it again";
    request.addEventListener("error", () => reject(new Problem(cut)));
    request.send(file);
  });
}

function query(parameters) {
  const chosen = Object.entries(parameters).filter(([, value]) => value);
  return chosen.length ? `?${new URLSearchParams(chosen)}` : "";
}

/** The document of an answer. Throws what it says if it is a problem. */
function read(status, text) {
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Problem(`the server answered ${status} with something other than JSON: is a proxy in front of it?`);
  }
  if (status < 400) return found;
  const errors = (found.errors ?? []).map((error) => `${error.name}: ${error.reason}`);
  throw new Problem([found.detail ?? found.title, ...errors].join("; "));
}
