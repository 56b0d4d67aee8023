"""How the page of `status --html` looks: light or dark as the reader's system is, and on paper."""

from __future__ import annotations

STEP_COLOURS = 8  # `.step-0` to `.step-7`

CSS = """
:root {
  color-scheme: light dark;
  --back: #fcfcfa; --text: #1c1c1a; --quiet: #63635e; --line: #dcdcd6; --raised: #f1f1ec; --link: #0b5cad;
  --good: #1f7a45; --bad: #b3261e; --odd: #96600a; --run: #0b5cad;
  --c0: #3b6fb5; --c1: #d08a1d; --c2: #3f8f5f; --c3: #8a5fb0;
  --c4: #b9504a; --c5: #4b98a6; --c6: #8b7a52; --c7: #8a8a86;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #161719; --text: #e6e6e2; --quiet: #a3a39d; --line: #3a3c40; --raised: #212327; --link: #8ab8f0;
    --good: #6cc58e; --bad: #ff8a80; --odd: #e6b35c; --run: #8ab8f0;
    --c0: #7ba7e0; --c1: #e5ae57; --c2: #74c294; --c3: #bb98dd;
    --c4: #e58780; --c5: #80c4d0; --c6: #bfae84; --c7: #a9a9a5;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 76rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; overflow-wrap: anywhere; }
p { margin: .3rem 0; }
.quiet, caption, figcaption { color: var(--quiet); }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; margin: .8rem 0 0; padding: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .2rem 0; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
tbody th { font-weight: 600; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
.aggregate { padding-left: 1.2rem; font-weight: 400; display: inline-block; }
.good { color: var(--good); } .bad { color: var(--bad); } .odd { color: var(--odd); } .run { color: var(--run); }
.nowrap { white-space: nowrap; }
details { border-bottom: 1px solid var(--line); padding: .25rem 0; }
details:target { background: var(--raised); outline: 2px solid var(--link); }
summary { cursor: pointer; padding: .15rem 0; }
summary .bar { display: block; }
details > :not(summary) { margin-left: 1.1rem; }
.what { display: inline-flex; flex-wrap: wrap; gap: 0 .9rem; width: calc(100% - 1.4rem); vertical-align: top; }
.what > * { overflow-wrap: anywhere; }
.what > :first-child { min-width: 5.5rem; }
.what .when { margin-left: auto; }
pre { background: var(--raised); padding: .4rem .6rem; margin: .3rem 0; overflow-x: auto; max-height: 12rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.45 ui-monospace, monospace; }
td { min-width: 3rem; } td:last-child { min-width: 9rem; } td.number { min-width: 0; }
svg { width: 100%; height: auto; display: block; }
figure { overflow-x: auto; }
figure > svg { min-width: 46rem; }
svg text { font: 11px system-ui, sans-serif; fill: var(--quiet); }
.axis { stroke: var(--quiet); } .grid { stroke: var(--line); }
.bar { height: .5rem; border-radius: 2px; }
.inserted, .step-0 { fill: var(--c0); } .updated, .step-1 { fill: var(--c1); } .other, .step-7 { fill: var(--c7); }
.rejected, .step-4 { fill: var(--c4); } .step-2 { fill: var(--c2); } .step-3 { fill: var(--c3); }
.step-5 { fill: var(--c5); } .step-6 { fill: var(--c6); }
.is-succeeded, .is-nothing_new { fill: var(--good); } .is-failed, .is-refused { fill: var(--bad); }
.is-interrupted { fill: var(--odd); } .is-running { fill: var(--run); }
svg a:focus-visible rect, svg a:hover rect { stroke: var(--text); stroke-width: 2; }
figure { margin: .4rem 0 1.2rem; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; list-style: none; padding: 0; margin: .3rem 0; }
.legend svg { width: .8rem; height: .8rem; display: inline-block; margin-right: .3rem; vertical-align: -.05rem; }
@media print { .wide { overflow: visible; } details { break-inside: avoid; } }
"""
