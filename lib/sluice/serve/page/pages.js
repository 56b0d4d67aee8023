// A table of an endpoint that answers a page at a time; the next page begins behind the last key of this one.

import { get } from "./api.js";
import { byId, element, table, visible } from "./dom.js";
import { number } from "./words.js";

export class Pages {
  #name;
  #caption;
  #columns;
  #asked = 0;

  /** Fills the element `NAME-list`, and says in `NAME-state` what it is. */
  constructor(name, caption, columns) {
    [this.#name, this.#caption, this.#columns] = [name, caption, columns];
  }

  /** Shows a page: the first one without `after` in the parameters. Gives the answer; null after a failure. */
  async show(path, parameters, earlier = []) {
    const asked = ++this.#asked; // of two questions only the later one is answered
    let [page, said, shown] = [null, "", []];
    try {
      page = await get(path, parameters);
      said = page.rows.length ? `page ${number(earlier.length + 1)}` : "nothing is found";
      if (page.rows.length) shown = this.#shown(page, path, parameters, earlier);
    } catch (problem) {
      said = problem.message;
    }
    if (asked === this.#asked) {
      byId(`${this.#name}-list`).replaceChildren(...shown);
      byId(`${this.#name}-state`).textContent = visible(said);
    }
    return page;
  }

  /** `earlier`: what `after` was on the pages before this one. */
  #shown(page, path, parameters, earlier) {
    const turn = (label, after, before) => {
      const button = element("button", { type: "button", disabled: after === null ? "" : null }, label);
      button.addEventListener("click", async () => {
        await this.show(path, { ...parameters, after }, before);
        this.#focus(label);
      });
      return button;
    };
    const previous = turn("Previous page", earlier.at(-1) ?? null, earlier.slice(0, -1));
    const next = turn("Next page", page.after, [...earlier, parameters.after ?? ""]);
    return [table(this.#caption, this.#columns, page.rows), element("p", { class: "turn" }, previous, next)];
  }

  /** Keeps the keyboard where it was: at the same button, or at one that can still be pressed. */
  #focus(label) {
    const buttons = [...byId(`${this.#name}-list`).querySelectorAll("button:enabled")];
    (buttons.find((button) => button.textContent === label) ?? buttons[0])?.focus();
  }
}
