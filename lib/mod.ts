/**
 * The one public door: notebooks import from "implicit" and nothing else. The rooms stand in the
 * order in which data flows through them.
 *
 * @module
 */

export { createWorld } from "./world/facts.ts";
export { documents } from "./world/documents.ts";
export { grade } from "./world/grade.ts";
export { evaluationSet, type Task, tasks, tuningSet } from "./world/tasks.ts";
export { worldSeed } from "./world/recipe.ts";

export { loadTokenizer, type Tokenizer } from "./text/tokenizer.ts";
export { lengthStatistics, previewExamples } from "./text/statistics.ts";
export { type ChatTemplate, formatPrompt, templates } from "./text/template.ts";
export {
  encodeExample,
  type Example,
  explainMask,
  type Message,
  toResponseTuning,
} from "./text/example.ts";

export { createEngine, type Engine, type EngineInfo } from "./engine/engine.ts";
export { loadCheckpoint, type Model, saveCheckpoint } from "./model/checkpoint.ts";
export { hidden, logits } from "./model/decoder.ts";

export { tune, type TuneOptions } from "./tune/tune.ts";

export { createDecoder, type Decoder, type GenerateOptions } from "./decode/decoder.ts";
export { embed } from "./decode/embed.ts";
export { type RuleAdapter, ruleAdapter, rules, type RuleSet } from "./decode/rules.ts";
export { transformersProcessor } from "./decode/transformers_processor.ts";

export {
  type Annotation,
  type ModelOutput,
  pairOutputs,
  readAnnotations,
  readModelOutputs,
  writeRows,
} from "./judge/annotation.ts";
export {
  averageOrders,
  bestConstantResponse,
  forgedResponse,
  simulateJudge,
  winRateByLength,
  winRateByPosition,
} from "./judge/bias.ts";
export { connectCompletions } from "./judge/completions.ts";
export { estimateJudging, judge } from "./judge/judge.ts";
export { leaderboardRow } from "./judge/leaderboard.ts";
export { lengthControlledWinRate } from "./judge/length_control.ts";
export { type Preference, preferencesFromScores } from "./judge/preference.ts";
export { meanAndDeviation, pairedBootstrap, signTest } from "./judge/significance.ts";
export { rankingAccuracy } from "./judge/ranking.ts";
export { winRateOverSeeds } from "./judge/seeds.ts";
export { judgeMessages, loadJudgeSettings } from "./judge/settings.ts";
export { winRate } from "./judge/winrate.ts";

export { accountOf, loadDataset, responsesOnly } from "./hub/dataset.ts";
export { exportModel } from "./hub/export.ts";
export { loadModel } from "./hub/load.ts";
export { sources } from "./hub/sources.ts";

export { type Arm, arms, inTemplate, withoutRestating } from "./study/arm.ts";
export {
  byFamily,
  lengthBars,
  lossesOf,
  lossLog,
  sideBySide,
  toBars,
  toTable,
} from "./study/present.ts";
export { judgePrompt, publishedAnnotations, scoredComparisons } from "./study/comparisons.ts";
export { viewData } from "./study/data_view.ts";
export { overview } from "./study/overview.ts";
export { rankArms, rankingMatrix, rankingPoints, rankingRows } from "./study/ranking.ts";
export { armsDiffer, compareArms, recordRows, type ResultRow } from "./study/results.ts";
export { roundTrip } from "./study/round_trip.ts";
export { similarity, similarityPoints } from "./study/similarity.ts";
export { answerPrompts } from "./study/run.ts";
export { givenModel } from "./study/small.ts";
export { measureSpeed, timeTable } from "./study/speed.ts";
export { openStudy, type Study } from "./study/study.ts";
export { taskStyles } from "./study/style.ts";
export { verdicts } from "./study/claims.ts";

export { heatMap, intervalBars, lossCurves, tokenFigure } from "./show/charts.ts";
export { liveFigure, showFigure } from "./show/figure.ts";
export { progress } from "./show/progress.ts";
export { diagonalScatter, scatter } from "./show/scatter.ts";
export { showTable } from "./show/table.ts";
export { showResponses, showTokens } from "./show/text.ts";
