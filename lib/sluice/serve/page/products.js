// Products and how many have each name, a page at a time.

import { byId } from "./dom.js";
import { Pages } from "./pages.js";
import { number } from "./words.js";

const products = new Pages("products", "Products in PostgreSQL", [
  { heading: "sku", cell: (row) => row.sku },
  { heading: "name", cell: (row) => row.name },
  { heading: "description", cell: (row) => row.description },
]);
const counts = new Pages("counts", "How many products have each name", [
  { heading: "name", cell: (row) => row.name },
  { heading: "products", number: true, cell: (row) => number(row.no_of_products) },
]);

export function start() {
  byId("products-form").addEventListener("submit", (event) => {
    event.preventDefault();
    showProducts();
  });
  byId("counts-order").addEventListener("change", showCounts);
}

export const refresh = () => Promise.all([showProducts(), showCounts()]);

const showProducts = () => products.show("products", { search: byId("products-search").value, limit: 10 });

async function showCounts() {
  const first = await counts.show("products/aggregate", { order: byId("counts-order").value, limit: 10 });
  byId("products-total").textContent = first ? total(first) : "";
}

const total = ({ total: { products: all, groups } }) =>
  `${number(all)} products with ${number(groups)} different names`;
