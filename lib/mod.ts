/**
 * The one public door: notebooks import from "implicit" and nothing else. The rooms stand in the
 * order in which data flows through them.
 *
 * @module
 */

/** For adapters of one's own: the operations of the forward pass. */
export * as tf from "@tensorflow/tfjs-core";

export { createWorld, documents, grade, worldSeed } from "@implicit/world";

export {
  createDecoder,
  type Decoder,
  type GenerateOptions,
  loadTokenizer,
  type LogitsProcessor,
  type Model,
  type Tokenizer,
  transformersProcessor,
} from "@implicit/decoder";
export { exportModel, loadModel, roundTrip, transformersModel } from "@implicit/hub";

export { type ChatTemplate, formatPrompt, templates } from "./text/template.ts";
export { encodeExample, type Example, explainMask, toResponseTuning } from "./text/example.ts";

export { createEngine } from "@implicit/engine";
export { tune, type TuneOptions } from "./tune/tune.ts";

export type { Adapted, Adapter } from "./adapt/adapter.ts";
export { learnedBias } from "./adapt/learned_bias.ts";
export { lora } from "./adapt/lora.ts";
export { tokenBias } from "./adapt/token_bias.ts";
export { prefix } from "./adapt/prefix.ts";
export { eosRamp } from "./adapt/eos_ramp.ts";
export { repetitionPenalty } from "./adapt/repetition_penalty.ts";
export { type Rule, type RuleAdapter, ruleAdapter, type RuleContext } from "./adapt/rules.ts";
export { tokenIds } from "./adapt/tokens.ts";
export { uniformChanges } from "./adapt/uniform_changes.ts";
export { rules } from "./adapt/published_rules.ts";

export {
  type Annotation,
  averageOrders,
  bestConstantResponse,
  type Comparison,
  forgedResponse,
  type Judge,
  lengthControlledWinRate,
  meanAndDeviation,
  pairedBootstrap,
  type Preference,
  preferencesFromScores,
  readAnnotations,
  signTest,
  simulateJudge,
  winRate,
  winRateByLength,
  winRateByPosition,
} from "@implicit/alpaca-eval";

export {
  type Arm,
  arms,
  inTemplate,
  type Rules,
  type Tuning,
  withoutRestating,
} from "./study/arm.ts";
export { type Answer, answerPrompts, type Run } from "./study/run.ts";
export { openStudy } from "./study/open_study.ts";
export type { Study } from "./study/study.ts";
export {
  armOptions,
  optionsTable,
  rulesOptions,
  type StudyOptions,
  studyOptions,
  tuningOptions,
} from "./study/options.ts";
export { armsDiffer, compareArms, type ResultRow } from "./study/results.ts";
export { committedRows } from "./study/check.ts";
export { handedOver } from "./study/handover_rows.ts";
export { describeSources, sideBySources } from "./study/sources.ts";
export { record } from "./study/record.ts";
export { rankArms, rankingRows } from "./study/ranking.ts";
export { rankingAccuracy } from "./study/rank.ts";
export { checkerJudge, endpointJudge, modelJudge } from "./study/judges.ts";
export { judgePrompt, publishedAnnotations, scoredComparisons } from "./study/comparisons.ts";
export { differenceOverBases, overBases } from "./study/bases.ts";
export { findings } from "./study/findings.ts";
export { verdicts } from "./study/verdicts.ts";
export { diagnoseBase } from "./study/diagnosis.ts";
export { viewData } from "./study/data_view.ts";
export { overview } from "./study/overview.ts";
export { type Embedding, modelEmbedding } from "./study/embedding.ts";
export { similarity, similarityRows } from "./study/similarity.ts";
export { bitsLines, bitsRows, overRules, wordLines, worthOfWords } from "./answers/bits.ts";
export {
  heldOutOrder,
  narrowExamples,
  predictorPoints,
  predictorRows,
  transfer,
  turnedRows,
} from "./answers/predictors.ts";
export { basePoints, estimatesByBase, spearmanOverBases } from "./answers/by_base.ts";
export {
  among,
  barsOf,
  differencesTable,
  matrixOf,
  measuresAlong,
  measuresTable,
} from "./answers/charted.ts";
export { contrast, estimates, seriesOf } from "./answers/estimates.ts";
export {
  answerBars,
  figureLines,
  gainLines,
  kindRows,
  pairTiles,
  shareLines,
  swapLines,
  withRises,
} from "./answers/mechanism_rows.ts";
export { studyCells } from "./answers/kept.ts";
export { showAnswer, showExpected } from "./answers/answers.ts";
export { composed, gradeComposed } from "./answers/novel_requests.ts";
export { ask, measureLines, refusalDoses } from "./answers/novelty_lines.ts";
export { withinFamilies } from "./answers/within_families.ts";
export { measureSpeed, timeTable } from "./bench/speed.ts";
export { taskStyles } from "./study/style.ts";
export { showLaboratory } from "./course/laboratory.ts";

export {
  byFamily,
  dataFrame,
  diagonalScatter,
  heatMap,
  intervalBars,
  intervalLines,
  lengthBars,
  liveFigure,
  lossCurves,
  lossesOf,
  lossLog,
  merge,
  progress,
  rankingMatrix,
  rankingPoints,
  scatter,
  showFigure,
  showMarkdown,
  showResponses,
  showTable,
  showTokens,
  sideBySide,
  similarityPoints,
  sliderFigure,
  toBars,
  tokenFigure,
  toTable,
} from "@implicit/notebook";
