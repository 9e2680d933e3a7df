/**
 * The frame of a page of the report or the site: its looks on a desk and on a phone, light and dark,
 * and the script that brings its figures to life.
 *
 * Knows HTML and styles. It does not know what stands in the page.
 */
import { aliveScript } from "../show/alive.ts";
import { escapeHtml } from "../show/display.ts";
import { inkStyle } from "../show/figure.ts";

/** What stands above the chapters. */
export interface Front {
  readonly title: string;
  /** Markdown: what this is, for whom, when and with what it was made. */
  readonly lead?: string;
  /** A picture of the whole as SVG, on a wide page and on a phone. */
  readonly figure?: { readonly wide: string; readonly narrow: string };
  /** A page to try, by its address beside this one: it is loaded when the reader unfolds it. */
  readonly frame?: { readonly address: string; readonly title: string };
}

/**
 * A page; `plotly` is the script element that loads it, left out where no figure wants it.
 */
export function pageHtml(title: string, body: string, plotly: string): string {
  const scripts = body.includes('class="implicit-figure figure"')
    ? `${plotly}<script>${aliveScript}${watchScript}</script>\n`
    : "";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style}</style>${inkStyle}</head><body>
${body}
${scripts}</body></html>
`;
}

/** The first screen: title, lead, what to try, figure. */
export function frontHtml({ title, figure, frame }: Front, lead: string): string {
  const story = figure
    ? `<figure><div class="wide">${figure.wide}</div><div class="narrow">${figure.narrow}</div></figure>`
    : "";
  const tried = frame ? frameHtml(escapeHtml(frame.address), escapeHtml(frame.title)) : "";
  return `<header><h1>${escapeHtml(title)}</h1>${lead}${tried}${story}</header>`;
}

/** A frame that is loaded when its fold opens; the link is for phones, and a screen's whole width. */
const frameHtml = (address: string, title: string) =>
  `<details class="frame" ontoggle="const f=this.querySelector('iframe');f.src||=f.dataset.src">` +
  `<summary>${title}</summary><iframe data-src="${address}" title="${title}"></iframe></details>\n` +
  `<p><a target="_blank" href="${address}">${title}, in a tab of its own</a></p>`;

/** Pictures come alive when they scroll into view. */
const watchScript = `
const watch = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    watch.unobserve(target);
    const { data, layout } = JSON.parse(target.querySelector("script").textContent);
    implicitFigure(target, data, layout);
  }
}, { rootMargin: "200px" });
document.querySelectorAll(".figure").forEach((figure) => watch.observe(figure));
`;

const style = `
:root{color-scheme:light dark;--ink:#1d2126;--page:#fff;--line:rgba(128,134,142,.35);
--soft:rgba(128,134,142,.12);--link:#1f6fb2}
@media (prefers-color-scheme:dark){:root{--ink:#e4e7ea;--page:#14171a;--link:#6db3ee}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:892px;padding:16px;color:var(--ink);background:var(--page);
font:16px/1.55 system-ui,sans-serif;overflow-wrap:break-word}
a{color:var(--link)}h1{font-size:1.7em;line-height:1.2}h2{font-size:1.4em;line-height:1.25}
section{border-top:1px solid var(--line);margin-top:40px}
nav ul{padding-left:1.2em}nav a{text-decoration:none}
.way{display:flex;flex-wrap:wrap;justify-content:space-between;gap:4px 20px;font-size:14px}
figure{margin:20px 0}.narrow{display:none}
@media (max-width:640px){.wide{display:none}.narrow{display:block}}
pre{overflow-x:auto;background:var(--soft);padding:10px;border-radius:6px;font-size:13px;line-height:1.45}
code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.92em}
pre code{font-size:inherit}
.frame iframe{width:100%;height:85vh;border:1px solid var(--line);border-radius:6px}
details{margin:10px 0}details>summary{cursor:pointer;opacity:.7;font-size:14px}
pre.error,pre.stderr{border-left:4px solid #d55e00}
.box,.formula{display:block;overflow-x:auto;max-width:100%}.box{margin:10px 0}
.formula{font-size:min(1em,3.1vw)}.number{white-space:nowrap}
.prose table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.prose th,.prose td{border-bottom:1px solid var(--line);padding:4px 10px;text-align:left}
img{max-width:100%}.prose blockquote{margin:0;padding-left:14px;border-left:4px solid var(--line)}
.implicit-figure{margin:12px 0}.implicit-figure svg,figure svg{max-width:100%;height:auto}
.js-plotly-plot svg{max-width:none;height:revert-layer}
@media print{details,.figure-save,.way{display:none}}
`;
