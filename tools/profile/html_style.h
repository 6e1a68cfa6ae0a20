// How a report looks: its style sheet and its script, without any character that markup escapes.
#pragma once

namespace engine::tools {

inline constexpr const char* kHtmlStyle = R"(
:root {
  --paper: #ffffff; --ink: #1f2328; --dim: #59636e; --line: #d8dee4; --soft: #f4f6f8;
  --bar: #a9bdd1; --chosen: #1b6ca8; --first: #c27a1a; --spread: #1f2328; --warn: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15191e; --ink: #e3e7eb; --dim: #9aa4ae; --line: #343b43; --soft: #1e242b;
    --bar: #4a5b6c; --chosen: #58a6e0; --first: #e0a050; --spread: #e3e7eb; --warn: #ff8a80;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1.5rem clamp(0.8rem, 3vw, 2.5rem) 4rem; max-width: 86rem;
  background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.8rem; margin: 0 0 0.2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 0.6rem; padding-bottom: 0.25rem; border-bottom: 2px solid var(--line); }
h3 { font-size: 1.05rem; margin: 0; display: inline; }
h4 { font-size: 0.95rem; margin: 1.1rem 0 0.2rem; }
p { margin: 0.4rem 0; max-width: 60rem; }
a { color: var(--chosen); }
code, .name { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 0.88em; }
.dim { color: var(--dim); }
.small { font-size: 0.86rem; overflow-wrap: anywhere; }
p.name { max-width: none; }
nav { margin: 0.8rem 0 0; }
nav a { margin-right: 1.1rem; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; margin: 0.8rem 0; }
dl.facts dt { color: var(--dim); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr)); gap: 0.7rem; }
.card { background: var(--soft); border: 1px solid var(--line); border-radius: 8px; padding: 0.6rem 0.9rem; }
.card b { display: block; font-size: 1.45rem; font-weight: 600; line-height: 1.3; }
.card span { display: block; color: var(--dim); font-size: 0.86rem; }
.wide { overflow-x: auto; margin: 0.3rem 0 0.6rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.88rem; }
th, td { text-align: left; padding: 0.22rem 0.7rem 0.22rem 0; white-space: nowrap; vertical-align: middle; }
th { color: var(--dim); font-weight: 600; border-bottom: 1px solid var(--line); cursor: pointer; }
th[aria-sort=ascending]::after { content: " \2191"; }
th[aria-sort=descending]::after { content: " \2193"; }
td { border-bottom: 1px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.prose { white-space: normal; min-width: 14rem; }
tr.chosen td { font-weight: 600; }
tr.sum td { font-weight: 600; border-top: 2px solid var(--line); }
td.chart { width: 26%; min-width: 7rem; }
.bar { display: block; width: 100%; height: 0.85rem; }
.bar rect { fill: var(--bar); }
.bar.chosen rect { fill: var(--chosen); }
.bar.first rect { fill: var(--first); }
.bar .cut { fill: var(--paper); }
.bar rect.spread { fill: var(--spread); opacity: 0.55; }
.tag { display: inline-block; margin-left: 0.45rem; padding: 0 0.4rem; border-radius: 4px; border: 1px solid currentColor; font-size: 0.74rem; font-weight: 600; line-height: 1.25; }
.tag.chosen { color: var(--chosen); }
.tag.first, .tag.reorder { color: var(--first); }
.key i { display: inline-block; width: 0.8rem; height: 0.8rem; margin: 0 0.35rem -0.08rem 1rem; border-radius: 2px; background: var(--bar); }
.key i.chosen { background: var(--chosen); }
.key i.first { background: var(--first); }
details { margin: 0.2rem 0 0.6rem; }
details.layer { border: 1px solid var(--line); border-radius: 8px; padding: 0.5rem 0.9rem; margin: 0.7rem 0; }
summary { cursor: pointer; }
ul { margin: 0.3rem 0; padding-left: 1.3rem; }
.drawing { overflow-x: auto; background: #ffffff; border: 1px solid var(--line); border-radius: 8px; padding: 0.5rem; }
.drawing svg { display: block; max-width: none; height: auto; }
.drawing.fit svg { width: 100%; min-width: 46rem; }
.drawing.tall { max-height: 85vh; overflow: auto; }
@media (max-width: 40rem) {
  td.chart { min-width: 3.5rem; }
}
@media print {
  :root {
    --paper: #ffffff; --ink: #000000; --dim: #444444; --line: #cccccc; --soft: #f6f6f6;
    --bar: #a9bdd1; --chosen: #1b6ca8; --first: #c27a1a; --spread: #000000;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  .wide, .drawing, .drawing.tall { overflow: visible; max-height: none; }
  .drawing svg { width: 100%; max-width: 100%; }
  tr, .card, .drawing { break-inside: avoid; }
  tfoot { display: table-row-group; }
  h2, h3, h4 { break-after: avoid; }
}
)";

// A click on a title sorts by its column, a second one the other way round.
inline constexpr const char* kHtmlScript = R"(
document.querySelectorAll("th").forEach(function (title) {
  title.addEventListener("click", function () {
    const column = Array.from(title.parentNode.children).indexOf(title);
    const body = title.closest("table").tBodies[0];
    const down = title.getAttribute("aria-sort") === "ascending";
    const compare = new Intl.Collator(undefined, { numeric: true }).compare;
    const key = function (row) {
      const cell = row.children[column];
      return cell.dataset.key === undefined ? cell.textContent : Number(cell.dataset.key);
    };
    const rows = Array.from(body.rows).sort(function (a, b) {
      const x = key(a), y = key(b);
      const order = typeof x === "number" ? (typeof y === "number" ? x - y : -1)
        : typeof y === "number" ? 1 : compare(x, y);
      return down ? -order : order;
    });
    body.append(...rows);
    title.parentNode.querySelectorAll("th").forEach(function (other) { other.removeAttribute("aria-sort"); });
    title.setAttribute("aria-sort", down ? "descending" : "ascending");
  });
});
)";

}  // namespace engine::tools
