// Elements of the page. A text is always a text: what stands in files, names and rejects is never taken as HTML.

const SVG = "http://www.w3.org/2000/svg";
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/gu; // what cannot be seen, or turns text around
const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A value as it can be shown; null is nothing. */
export function visible(value) {
  const written = (sign) => SHORT[sign] ?? `\\u${sign.codePointAt(0).toString(16).padStart(4, "0")}`;
  return String(value ?? "").replace(HIDDEN, written);
}

export const byId = (id) => document.getElementById(id);

/** An element with its attributes (null leaves one out) and children: elements, and texts. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same in a drawing. */
export function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().map((child) => (child instanceof Node ? child : visible(child))));
  return made;
}

/**
 * A table. `columns`: {heading, cell, number}, where cell gives what a row shows: a text or
 * an element; the first cell of a row is its heading.
 */
export function table(caption, columns, rows) {
  const kind = (column) => (column.number ? "number" : null);
  const head = columns.map((column) => element("th", { scope: "col", class: kind(column) }, column.heading));
  const body = rows.map((row) => {
    const [first, ...rest] = columns.map((column) => column.cell(row) ?? "");
    const cells = rest.map((content, at) => element("td", { class: kind(columns[at + 1]) }, content));
    return element("tr", {}, element("th", { scope: "row", class: kind(columns[0]) }, first), cells);
  });
  const whole = element(
    "table",
    {},
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, head)),
    element("tbody", {}, body),
  );
  return scrolled(caption, whole);
}

/** What may be wider than the page; the keyboard can scroll it. */
export function scrolled(label, content) {
  return element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": label }, content);
}

export const quiet = (...children) => element("p", { class: "quiet" }, ...children);
export const bad = (...children) => element("p", { class: "bad" }, ...children);

/** What the colours of a drawing mean: pairs of a name and its sample, which fills 24 by 10. */
export function legend(pairs) {
  const items = pairs.map(([name, sample]) =>
    element("li", {}, drawn("svg", { viewBox: "0 0 24 10", "aria-hidden": "true" }, sample), name),
  );
  return element("ul", { class: "legend" }, items);
}
