#pragma once

#include <string_view>

namespace vcflash::app {

/// The report's style sheet, light and dark.
inline constexpr std::string_view report_style = R"css(
:root { color-scheme: light dark;
  --page:#f6f6f3; --card:#ffffff; --ink:#1b1d22; --soft:#62656f; --line:#e3e3dd; --track:#ecece7;
  --accent:#3f56c9; --faint:#3f56c955; --right:#14804f; --wrong:#c2412d; --luck:#9a6b00;
  --t0:#3f56c9; --t1:#7a8be6; --t2:#1d8f8a; --t3:#56b8a5; --t4:#c98a1b; --t5:#e0b665; --t6:#b2508c;
  --t7:#8b8f9b; }
@media (prefers-color-scheme: dark) { :root {
  --page:#121317; --card:#1b1d23; --ink:#ecedf1; --soft:#9ea2ae; --line:#2d3038; --track:#2a2d35;
  --accent:#8d9dff; --faint:#8d9dff55; --right:#4cc38a; --wrong:#ff8370; --luck:#e0b04a;
  --t0:#8d9dff; --t1:#5b6bc9; --t2:#4cc3bb; --t3:#2f857c; --t4:#e6b04f; --t5:#9c7a35; --t6:#dd86bb;
  --t7:#7c808c; } }
* { box-sizing:border-box; }
body { margin:0; background:var(--page); color:var(--ink); line-height:1.5;
  font:16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width:1080px; margin:0 auto; padding:44px 24px 72px; }
h1 { font-size:30px; line-height:1.2; margin:0 0 8px; letter-spacing:-.015em; }
h2 { font-size:19px; margin:44px 0 4px; letter-spacing:-.005em; }
p { margin:0 0 14px; max-width:74ch; color:var(--soft); }
p b, td b, li b { color:var(--ink); font-weight:600; }
.banner { border-left:3px solid var(--luck); padding:6px 14px; margin:14px 0; color:var(--ink); }
.card { background:var(--card); border:1px solid var(--line); border-radius:12px; padding:18px; }
.tiles { display:grid; grid-template-columns:repeat(4,1fr); gap:14px; margin:24px 0 0; }
.tiles b { display:block; font-size:30px; line-height:1.15; letter-spacing:-.02em;
  font-variant-numeric:tabular-nums; }
.tiles span { color:var(--soft); font-size:14px; }
.row { display:grid; grid-template-columns:92px 1fr 70px; gap:14px; align-items:center;
  padding:7px 0; }
.row .track { position:relative; height:18px; background:var(--track); border-radius:5px; }
.row .fill { position:absolute; inset:0 auto 0 0; background:var(--accent); border-radius:5px; }
.row.all { border-bottom:1px solid var(--line); margin-bottom:6px; padding-bottom:13px;
  font-weight:600; }
.row .chance { position:absolute; top:-5px; bottom:-5px; border-left:2px dashed var(--luck); }
.row .control { position:absolute; top:3px; width:12px; height:12px; margin-left:-6px;
  border-radius:50%; background:var(--card); border:3px solid var(--wrong); }
.wide .row { grid-template-columns:minmax(92px, 260px) 1fr 130px; padding:4px 0; }
.wide .kind { overflow-wrap:anywhere; }
.wide h3 { font-size:15px; margin:0 0 6px; }
.stack { display:grid; gap:14px; margin:14px 0 0; }
.value { text-align:right; font-variant-numeric:tabular-nums; }
.key { display:flex; flex-wrap:wrap; gap:6px 22px; margin:12px 0 0; font-size:14px;
  color:var(--soft); }
.key i { display:inline-block; vertical-align:-1px; margin-right:7px; }
.key .k0 { width:14px; height:12px; background:var(--accent); border-radius:3px; }
.key .k1 { width:0; height:14px; border-left:2px dashed var(--luck); }
.key .k2 { width:12px; height:12px; border-radius:50%; border:3px solid var(--wrong); }
.charts { display:grid; grid-template-columns:repeat(2,1fr); gap:14px; }
.charts h3, .clip h3 { font-size:15px; margin:0 0 2px; }
.charts p { font-size:14px; margin:0 0 6px; }
svg { width:100%; height:auto; display:block; }
.grid { stroke:var(--line); stroke-width:1; }
.tick { fill:var(--soft); font-size:10.5px; }
.raw { fill:none; stroke:var(--faint); stroke-width:1; }
.mean { fill:none; stroke:var(--accent); stroke-width:2; stroke-linejoin:round; }
.clips { display:grid; grid-template-columns:repeat(2,1fr); gap:14px; }
.clip { display:flex; flex-direction:column; gap:10px; }
.clip img { width:100%; border-radius:6px; display:block; background:#000; }
.clip pre { margin:0; font-family:inherit; font-size:14px; white-space:pre-wrap;
  overflow-wrap:anywhere; }
.clip header { display:flex; justify-content:space-between; gap:12px; align-items:baseline; }
.verdict { font-size:14px; font-weight:600; white-space:nowrap; }
.right .verdict { color:var(--right); } .wrong .verdict { color:var(--wrong); }
.wrong { border-color:var(--wrong); }
.options { display:flex; flex-wrap:wrap; gap:6px; list-style:none; margin:0; padding:0; }
.options li { border:1px solid var(--line); border-radius:99px; padding:1px 11px; font-size:14px;
  color:var(--soft); }
.options .is-right { border-color:var(--right); color:var(--right); font-weight:600; }
.options .is-said { border-color:var(--wrong); color:var(--wrong); text-decoration:line-through; }
.said { font-size:14px; color:var(--soft); }
code { font:13px ui-monospace, SFMono-Regular, Menlo, monospace; color:var(--ink); }
.scroll { overflow-x:auto; }
table { border-collapse:collapse; width:100%; font-size:14.5px; }
th { text-align:left; color:var(--soft); font-weight:500; }
th, td { padding:7px 14px 7px 0; border-bottom:1px solid var(--line); white-space:nowrap; }
tr:last-child td { border-bottom:0; }
.n { text-align:right; font-variant-numeric:tabular-nums; }
.times { display:flex; height:26px; border-radius:6px; overflow:hidden; gap:2px; }
.times span { background:var(--c); }
.legend { list-style:none; display:grid; grid-template-columns:repeat(auto-fill,minmax(215px,1fr));
  gap:4px 24px; margin:14px 0 0; padding:0; font-size:14px; color:var(--soft); }
.legend li { display:flex; align-items:center; gap:8px; } .legend b { margin-left:auto; }
.legend i { width:11px; height:11px; border-radius:3px; background:var(--c); }
footer { margin-top:44px; color:var(--soft); font-size:14px; }
@media (max-width:760px) { .tiles { grid-template-columns:repeat(2,1fr); }
  .charts, .clips { grid-template-columns:1fr; } main { padding:28px 16px 48px; } }
)css";

}  // namespace vcflash::app
