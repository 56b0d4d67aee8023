// What happens when the page is loaded, refreshed, and when a run has ended.

import { byId } from "./dom.js";
import * as latency from "./latency.js";
import * as overview from "./overview.js";
import * as products from "./products.js";
import * as upload from "./upload.js";

const lake = async () => upload.offer(await overview.refresh());
const all = () => Promise.all([lake(), upload.refresh(all), products.refresh(), latency.refresh()]);

upload.start(all);
products.start();
latency.start();
byId("refresh").addEventListener("click", all);
all();
