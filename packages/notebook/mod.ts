/**
 * Notebooks in TypeScript: run them headless in a Jupyter kernel, make a page of them, and show
 * figures, tables and progress in whichever kernel is running, or on a terminal.
 *
 * @module
 */
export { committedCourse, workingCopy } from "./kernel/course.ts";
export { registerForUser, startLab } from "./kernel/jupyter.ts";
export type { KernelSpec } from "./kernel/kernel.ts";
export { type KernelName, kernelNames, prepareKernel } from "./kernel/kernels.ts";
export {
  type Cell,
  type Notebook,
  type Output,
  readNotebook,
  writeNotebook,
} from "./kernel/notebook.ts";
export { type Chapter, markdownChapter } from "./kernel/chapter.ts";
export type { Front } from "./kernel/page.ts";
export { chaptersOf, writeReport } from "./kernel/report.ts";
export { CellFailed, runNotebook, type RunOptions } from "./kernel/run.ts";
export { runNotebooks, type SeriesOptions } from "./kernel/series.ts";
export { chooseNotebooks, notebookNames, readNotebooks } from "./kernel/shelf.ts";
export { writeSite } from "./kernel/site.ts";
export { statusLine } from "./kernel/status.ts";
export { writeWhole } from "./kernel/write.ts";
export { heatMap, intervalBars, lossCurves } from "./show/charts.ts";
export { liveFigure, showFigure } from "./show/figure.ts";
export { type ForestPlot, type ForestRow, forestSvg } from "./show/forest.ts";
export { type PageOptions, serveFolder, showPage } from "./show/served.ts";
export { interruptible } from "./show/interrupt.ts";
export { intervalLines, type IntervalSeries } from "./show/lines.ts";
export { rankingPoints, similarityPoints } from "./show/points.ts";
export { showMarkdown } from "./show/markdown.ts";
export { duration, progress } from "./show/progress.ts";
export { diagonalScatter, type PointSeries, scatter } from "./show/scatter.ts";
export { sliderFigure } from "./show/slider.ts";
export { type Figure, figureSvg } from "./show/svg.ts";
export {
  type DataFrame,
  dataFrame,
  layOut,
  merge,
  showTable,
  tableHtml,
  tableText,
} from "./show/table.ts";
export { plainText } from "./show/terminal.ts";
export { showResponses, showTokens } from "./show/text.ts";
export { tokenFigure } from "./show/tokens.ts";
export {
  byFamily,
  lengthBars,
  lossesOf,
  lossLog,
  rankingMatrix,
  sideBySide,
  toBars,
  toTable,
} from "./show/runs.ts";
