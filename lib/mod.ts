/** The one public door: notebooks import from "implicit" and nothing else. */
export { diagonalScatter, heatMap, intervalBars, lossCurves, tokenFigure } from "./show/charts.ts";
export { showHtml } from "./show/display.ts";
export { liveFigure, showFigure } from "./show/figure.ts";
export { duration, progress } from "./show/progress.ts";
export { dataFrame, showTable } from "./show/table.ts";
export { showResponses, showTokens } from "./show/text.ts";
