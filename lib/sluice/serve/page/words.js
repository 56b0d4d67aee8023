// Numbers, sizes and times as people read them, as the page of `status --html` shows them.

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });

export const number = (value) => (value === null || value === undefined ? "" : NUMBER.format(value));

/** `820 B`, `1.2 MB`: powers of 1000. */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return "";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let [amount, unit] = [bytes, 0];
  while (amount >= 999.5 && unit < units.length - 1) [amount, unit] = [amount / 1000, unit + 1];
  return `${Number(amount.toPrecision(3))} ${units[unit]}`;
}

/** `0.4 s`, `40 s`, `12 min`, `3.5 h`, `12 days`. */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${seconds.toFixed(0)} s`;
  if (seconds < 100 * 60) return `${(seconds / 60).toFixed(0)} min`;
  if (seconds < 72 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(0)} days`;
}

/** `2024-10-15 13:55:36 UTC`, of a time in ISO 8601. */
export function moment(time) {
  return time ? `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC` : "";
}

/** `2 versions, 3.5 h`, `current`, or why it cannot be counted. */
export function lag({ versions, hours, why }) {
  if (versions === null) return why;
  if (versions === 0) return "current";
  const shown = `${number(versions)} version${versions > 1 ? "s" : ""}`;
  return hours === null ? shown : `${shown}, ${duration(hours * 3600)}`;
}
