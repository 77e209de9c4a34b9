/** The style sheet of `htmlReport`. Pictures are 140 pixels wide, five a pixel for those of 28 x 28. */
export const CSS = `\
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --line: #e3e6ea; --text: #161a20; --muted: #5d6673; --code: #f6f7f9; --accent: #2457d6;
  --shade: #0000002e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1216; --card: #181c22; --line: #2b313a; --text: #e8ebf0; --muted: #9aa4b2; --code: #11151a; --accent: #8fb0ff;
    --shade: #000000b0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1080px; padding: clamp(20px, 5vw, 48px) clamp(16px, 4vw, 40px);
  background: var(--page); color: var(--text);
  font: 15px/1.55 Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
header { margin-bottom: 24px; }
h1 { margin: 0; font-size: clamp(24px, 4vw, 32px); line-height: 1.2; letter-spacing: -0.02em; overflow-wrap: anywhere; }
.subtitle { margin: 6px 0 0; color: var(--muted); overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: 12px 28px; align-items: center; margin-bottom: 24px; }
.legend p { flex: 1 1 300px; margin: 0; color: var(--muted); font-size: 14px; }
.legend strong { color: var(--text); font-weight: 600; }
.scale { flex: 0 0 220px; }
.bar { height: 12px; border: 1px solid var(--line); border-radius: 4px; }
.ends { display: grid; grid-template-columns: 1fr auto 1fr; margin-top: 4px; color: var(--muted); font-size: 12px; }
.ends span:last-child { text-align: right; }
.card {
  margin-bottom: 20px; padding: clamp(16px, 3vw, 24px);
  background: var(--card); border: 1px solid var(--line); border-radius: 14px;
}
h2 { margin: 0 0 16px; font-size: 18px; line-height: 1.3; overflow-wrap: anywhere; }
h2 small { margin-left: 8px; color: var(--muted); font-size: 14px; font-weight: 400; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, 140px); gap: 20px 18px; }
h3 { margin: 20px 0 12px; color: var(--muted); font-size: 14px; font-weight: 600; }
figure { margin: 0; min-width: 0; }
.frame {
  width: 140px; height: 140px; overflow: hidden; border-radius: 3px; outline: 1px solid var(--line);
}
img { display: block; width: 140px; height: 140px; object-fit: contain; image-rendering: pixelated; }
img.smooth { image-rendering: auto; }
.wide { grid-column: 1 / -1; }
.wide img { width: auto; max-width: 100%; height: auto; border: 1px solid var(--line); border-radius: 3px; }
figcaption { margin-top: 8px; font-size: 13px; line-height: 1.4; overflow-wrap: anywhere; }
figcaption b { display: block; font-weight: 600; }
figcaption span { color: var(--muted); font-size: 12px; }
.scroll {
  /* A shadow at each side where there is more to scroll to: the covers scroll along, the shadows stay. */
  margin-top: 20px; overflow-x: auto; background:
    linear-gradient(to right, var(--card) 40%, transparent) local left / 36px 100% no-repeat,
    linear-gradient(to left, var(--card) 40%, transparent) local right / 36px 100% no-repeat,
    linear-gradient(to right, var(--shade), transparent) left / 12px 100% no-repeat,
    linear-gradient(to left, var(--shade), transparent) right / 12px 100% no-repeat;
}
table { width: 100%; border-collapse: collapse; font-size: 13px; white-space: nowrap; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: 7px clamp(10px, 2vw, 16px) 7px 0; border-bottom: 1px solid var(--line); text-align: left; }
th:last-child, td:last-child { padding-right: 0; }
tbody tr:last-child > * { border-bottom: 0; padding-bottom: 0; }
thead th { color: var(--muted); font-weight: 500; line-height: 1.3; vertical-align: bottom; white-space: normal; }
tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.none { color: var(--muted); }
details.card { padding-block: 16px; }
summary { cursor: pointer; font-weight: 600; }
pre {
  margin: 14px 0 0; padding: 14px 16px; overflow: auto; max-height: 70vh; background: var(--code);
  border: 1px solid var(--line); border-radius: 8px;
  font: 12.5px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; tab-size: 2;
}
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.note { margin: 0 0 8px; color: var(--muted); font-size: 13px; overflow-wrap: anywhere; }
footer { color: var(--muted); font-size: 13px; }
@media print { body { max-width: none; padding: 0; } .card { break-inside: avoid; } }
`;
