"""Text as HTML: escaped, and what cannot be seen in it written out, since names and rejects may be hostile."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence


def text(value: object) -> str:
    """A value as text of HTML; null is nothing. Control characters, and those that turn text around, are escaped."""
    shown = "" if value is None else str(value)
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
    return html.escape(visible)


def element(name: str, content: str, **attributes: object) -> str:
    """An element around HTML. An attribute's `_` stands for `-`, at its end for nothing; null leaves it out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>"


def table(caption: str, rows: Sequence[Mapping[str, str]], numbers: Iterable[str] = ()) -> str:
    """A table of cells of HTML by their headings; a row's first cell is its own heading. `numbers`: to the right."""
    if not rows:
        return ""
    right = dict.fromkeys(numbers, "number")
    head = "".join(element("th", text(name), scope="col", class_=right.get(name)) for name in rows[0])
    body = []
    for row in rows:
        (first, *rest) = row
        cells = [element("th", row[first], scope="row"), *(element("td", row[n], class_=right.get(n)) for n in rest)]
        body.append(element("tr", "".join(cells)))
    inside = element("caption", text(caption)) + element("thead", element("tr", head)) + element("tbody", "".join(body))
    return element("div", element("table", inside), class_="wide", tabindex=0, role="region", aria_label=caption)
