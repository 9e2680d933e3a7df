/**
 * What a page runs to bring a figure to life: its title as a line that wraps, the plot, and buttons
 * that save it as a picture or its numbers as a table. Nothing is asked of the network.
 *
 * Knows the page and plotly there. It does not know what is plotted.
 */

/** Looks of what stands around a plot; its heights are those that a still picture leaves free. */
export const frameStyle = {
  title: "font:600 15px/1.4 system-ui,sans-serif;margin:6px 8px 0",
  save: "font:12px/20px system-ui,sans-serif;height:28px;margin:0 8px;text-align:right;opacity:.75",
} as const;

/** Pixels that the frame adds to a plot's height: a title of one line, and the buttons. */
export const FRAME = 21 + 28;

/**
 * Defines `implicitFigure(box, data, layout)`, which draws the figure in place of what the box holds.
 * A name of a series that its legend does not show stands in its `meta`. A heat map says in its layout's
 * `meta` how many columns it has: where these do not fit, as on a phone, it is turned onto its side.
 */
export const aliveScript = `
function implicitFigure(box, data, layout) {
  const { width = 720, title, ...rest } = layout;
  const name = (title?.text ?? "figure").replace(/<[^>]+>/g, " ");
  const add = (tag, parent, text, style = "") => {
    const node = document.createElement(tag);
    node.textContent = text;
    node.style.cssText = style;
    parent.append(node);
    return node;
  };
  box.textContent = "";
  add("div", box, name, "${frameStyle.title}");
  const plot = add("div", box, "");
  const bar = add("div", box, "save as ", "${frameStyle.save}");
  bar.className = "figure-save";
  const shown = structuredClone({ data, layout: { ...rest, autosize: true } });
  const columns = shown.layout.meta?.columns;
  if (box.offsetWidth < 130 + 28 * columns && !rest.sliders) turn(shown, columns);
  if (box.offsetWidth < 560 && rest.showlegend) { // a line a series, which shall not eat the plot
    const lines = data.filter((trace) => (trace.visible ?? true) && trace.showlegend !== false).length;
    shown.layout.height = (rest.height ?? 400) + 20 * Math.max(0, lines - 2);
  }
  Plotly.newPlot(plot, shown.data, shown.layout, { responsive: true, displayModeBar: false });

  function turn({ data, layout }, rows) {
    const swap = (thing, a, b) => [thing[a], thing[b]] = [thing[b], thing[a]];
    for (const trace of data) {
      swap(trace, "x", "y");
      trace.hovertemplate = trace.hovertemplate.replace("%{y} → %{x}", "%{x} → %{y}");
    }
    for (const note of layout.annotations) swap(note, "x", "y");
    for (const shape of layout.shapes) swap(shape, "x0", "y0"), swap(shape, "x1", "y1");
    swap(layout, "xaxis", "yaxis");
    layout.xaxis.range.reverse();
    layout.yaxis.range.reverse();
    [layout.xaxis.tickangle, layout.yaxis.tickangle] = [-60, 0];
    layout.height = 190 + 26 * rows;
  }
  const file = name.toLowerCase().replace(/[^\\p{L}\\p{N}]+/gu, "-").replace(/^-|-$/g, "");
  const save = (url, ending) => {
    const link = add("a", document.body, "", "display:none");
    link.href = url;
    link.download = (file || "figure") + "." + ending;
    link.click();
    link.remove();
  };
  // What is saved is what is seen: of a slider's states the one it stands at.
  const seen = () => data.filter((_, i) => plot.data[i].visible ?? true);
  const picture = (format) => {
    const { sliders: [slider] = [], ...still } = layout;
    const state = slider && slider.steps[plot.layout.sliders[0].active].args[1];
    const { height = 400 } = rest;
    const figure = {
      data: seen().map((trace) => ({ ...trace, visible: true })),
      layout: { ...still, ...state },
    };
    return Plotly.toImage(structuredClone(figure), { format, width, height, scale: 2 })
      .then((url) => save(url, format));
  };
  const plain = (text) => typeof text !== "string" ? text
    : text.replace(/<br>/g, " ").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  const named = (axis, otherwise) => rest[axis]?.title?.text || otherwise;
  const table = () => {
    const heads = ["series", named("xaxis", "x"), rest.yaxis2 ? "y" : named("yaxis", "y"),
      "low", "high", "value", "text"];
    const rows = seen().flatMap((trace) => Array.from(trace.y ?? trace.x, (y, i) => {
      const x = trace.x?.[i] ?? i, ends = trace.error_x;
      return [trace.meta ?? trace.name, x, trace.y ? y : i, ends && x - ends.arrayminus[i],
        ends && x + ends.array[i], trace.customdata?.[i], trace.text?.[i]].map(plain);
    }));
    const kept = heads.map((_, c) => c).filter((c) => rows.some((row) => row[c] != null));
    const cell = (value) => /[",\\n]/.test(value ?? "") ? '"' + value.replaceAll('"', '""') + '"'
      : value ?? "";
    return [heads, ...rows].map((row) => kept.map((c) => cell(row[c])).join(",")).join("\\n") + "\\n";
  };
  const numbers = () => {
    const url = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
    save(url, "csv");
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };
  const ways = { SVG: () => picture("svg"), PNG: () => picture("png"), CSV: numbers };
  for (const kind in ways) {
    const button = add("button", bar, kind, "font:inherit;margin-left:4px;cursor:pointer");
    button.type = "button";
    button.setAttribute("aria-label", "save “" + name + "” as " + kind);
    button.onclick = ways[kind];
  }
}
`;
