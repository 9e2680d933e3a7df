/** What the tasks of deno.json need beside what notebooks do. */
export { ruleAdapter } from "./adapt/rules.ts";
export { Bench, benchmarkNames } from "./bench/benchmarks.ts";
export { type BenchFigures, benchLine, benchProvenance, benchTable } from "./bench/figures.ts";
export { arms, type RuleName } from "./study/arm.ts";
export { measureReal, realProvenance, type RealResults, realTable } from "./bench/real.ts";
export { diagnoseBase } from "./study/diagnosis.ts";
export { checkRows, checkSentences, committedRows } from "./study/check.ts";
export { paperRows, type ResultRow } from "./study/results.ts";
export { projectRoot, readSettings } from "./study/settings.ts";
export { openScale, rulesFor } from "./study/scales.ts";
export { openStudy } from "./study/study.ts";
export { readResults, resultsPage, summaryRows } from "./study/record.ts";
export { claimsSection, type Cost, costsTable, paperTables, provenance } from "./study/tables.ts";
export { formatPrompt, templates } from "./text/template.ts";
export { type TrustFigures, trustProvenance, trustTable } from "./testing/trust/figures.ts";
export { pretrain } from "./tune/tune.ts";
export { glossaryTerms } from "./course/glossary.ts";
export { courseTexts, writeWayfinding } from "./course/wayfinding.ts";
