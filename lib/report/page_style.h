// SPDX-License-Identifier: GPL-2.0-or-later
// The look of a page, in light and in dark. Text is at 4.5:1 and more to what lies below it, marks at 3:1.
#pragma once

namespace raid56::report {

inline constexpr char kPageStyle[] = R"(
:root { color-scheme: light dark; --back: #ffffff; --panel: #f3f5f8; --line: #c9d1d9; --text: #1b1f24; --faint: #57606a;
  --link: #0b57b0; --fine: #1a6e32; --lost: #b3261e; --undecided: #8a5a00; --repairable: #0b5cad;
  --data: #9db4cf; --metadata: #c3a4de; --system: #7fb894; --mixed: #c9b27c; }
@media (prefers-color-scheme: dark) { :root { --back: #0f1318; --panel: #1a2029; --line: #3a434e; --text: #e6edf3;
  --faint: #a5afba; --link: #82b8ff; --fine: #5fcf7d; --lost: #ff7b72; --undecided: #e9b44c; --repairable: #79b8ff;
  --data: #4d6b8d; --metadata: #76569a; --system: #3d7a54; --mixed: #82703a; } }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.3rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 0; overflow-wrap: anywhere; } p { margin: .2rem 0 .5rem; }
a { color: var(--link); }
.verdict { display: flex; gap: 1rem; align-items: center; border: 2px solid; border-left-width: .6rem;
  border-radius: .4rem; padding: .7rem 1rem; background: var(--panel); }
.verdict .sign { font-size: 2rem; line-height: 1; font-weight: 700; width: 2.2rem; text-align: center; }
.verdict div { color: var(--text); } .sentence { font-weight: 600; font-size: 1.1rem; }
.fine { color: var(--fine); } .lost { color: var(--lost); } .undecided { color: var(--undecided); }
.repairable { color: var(--repairable); }
.figures { display: flex; flex-wrap: wrap; gap: 0 4rem; }
table { border-collapse: collapse; } th { text-align: left; font-weight: 600; }
th, td { padding: .15rem .8rem .15rem 0; vertical-align: top; } th[scope=row] { font-weight: 400; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.state { font-weight: 600; } tr.zero { color: var(--faint); } .path { overflow-wrap: anywhere; width: 50%; }
.wide { overflow-x: auto; } .list { font-size: .85rem; width: 100%; } .list th { border-bottom: 2px solid var(--line); }
.list tr { border-bottom: 1px solid var(--line); } th.number { text-align: right; }
.badge { border: 1px solid var(--fine); color: var(--fine); border-radius: .8rem; padding: 0 .5rem; font-size: .8rem; }
.badge.stale, .badge.unsure, .badge.distrusted { border: 2px dashed var(--undecided); color: var(--undecided); }
.badge.missing { border: 2px dotted var(--lost); color: var(--lost); }
.strip { display: grid; grid-template-columns: 6rem minmax(30rem, 1fr); column-gap: .6rem; overflow-x: auto;
  margin-bottom: .3rem; }
.lanes { display: flex; flex-direction: column; font-size: 12px; line-height: 16px; text-align: right; }
.lanes span { height: 16px; white-space: nowrap; }
.drawing { min-width: 0; } svg { display: block; width: 100%; }
svg .lane { fill: var(--panel); }
.chunk { stroke: var(--back); stroke-width: 1; vector-effect: non-scaling-stroke; }
.chunk.data { fill: var(--data); background: var(--data); } .chunk.system { fill: var(--system); background: var(--system); }
.chunk.metadata { fill: var(--metadata); background: var(--metadata); }
.chunk.mixed { fill: var(--mixed); background: var(--mixed); }
a .chunk { stroke: var(--text); stroke-width: 2; } a:hover .chunk, a:focus .chunk { stroke: var(--link); stroke-width: 4; }
.mark { fill: currentColor; stroke: currentColor; stroke-width: .5; vector-effect: non-scaling-stroke; }
.scale { position: relative; height: 18px; font-size: 12px; line-height: 18px; color: var(--faint); }
.scale span { position: absolute; transform: translateX(-50%); } .scale span:nth-child(2) { left: 25%; }
.scale span:nth-child(3) { left: 50%; } .scale span:nth-child(4) { left: 75%; }
.scale span:first-child { left: 0; transform: none; } .scale span:last-child { right: 0; transform: none; }
.legend { font-size: .85rem; color: var(--faint); } .legend span { margin-right: .8rem; white-space: nowrap; }
.legend i { display: inline-block; width: 14px; height: 13px; margin-right: 4px; vertical-align: -2px; }
.legend i.mark { background: currentColor; width: 5px; } .legend i.aside { height: 6px; }
.alone:target { outline: 2px solid var(--link); outline-offset: .4rem; }
)";

}  // namespace raid56::report
