/** What the tasks of deno.json need beside what notebooks do. */
export { ruleAdapter } from "./adapt/rules.ts";
export { arms, type RuleName } from "./study/arm.ts";
export { type Bench, benchProvenance, type BenchRow, benchTable } from "./study/bench.ts";
export { measureReal, realProvenance, type RealResults, realTable } from "./study/real.ts";
export { paperRows, type ResultRow } from "./study/results.ts";
export { projectRoot, readSettings } from "./study/settings.ts";
export { openScale, rulesFor } from "./study/scales.ts";
export { openStudy } from "./study/study.ts";
export { readResults, resultsPage, summaryRows } from "./study/record.ts";
export { claimsTable, type Cost, costsTable, paperTables, provenance } from "./study/tables.ts";
export { type Batch, packedBatches } from "./text/batch.ts";
export { formatPrompt, templates } from "./text/template.ts";
export { createAdamW } from "./tune/adamw.ts";
export { flatState, layOut, views } from "./tune/flat.ts";
export { createGradients, forwardOf } from "./tune/gradients.ts";
export { pretrain, tune } from "./tune/tune.ts";
export type { EncodedExample } from "./text/example.ts";
