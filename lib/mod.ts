/**
 * The one public door: notebooks import from "implicit" and nothing else. The rooms stand in the
 * order in which data flows through them.
 *
 * @module
 */

export {
  createWorld,
  documents,
  evaluationSet,
  grade,
  type Task,
  tasks,
  tuningSet,
  worldSeed,
} from "@implicit/world";

export {
  createDecoder,
  type Decoder,
  embed,
  type GenerateOptions,
  hidden,
  loadCheckpoint,
  loadTokenizer,
  logits,
  type Model,
  saveCheckpoint,
  type Tokenizer,
  transformersProcessor,
} from "@implicit/decoder";
export { lengthStatistics, previewExamples } from "./text/statistics.ts";
export { type ChatTemplate, formatPrompt, templates } from "./text/template.ts";
export {
  encodeExample,
  type Example,
  explainMask,
  type Message,
  toResponseTuning,
} from "./text/example.ts";

export { createEngine, type Engine, type EngineInfo } from "@implicit/engine";

export { tune, type TuneOptions } from "./tune/tune.ts";

export { type Adapted, type Adapter, readTrained } from "./adapt/adapter.ts";
export { eosRamp } from "./adapt/eos_ramp.ts";
export { learnedBias } from "./adapt/learned_bias.ts";
export { lora } from "./adapt/lora.ts";
export { prefix } from "./adapt/prefix.ts";
export { rules } from "./adapt/published_rules.ts";
export { repetitionPenalty } from "./adapt/repetition_penalty.ts";
export { type Rule, type RuleAdapter, ruleAdapter } from "./adapt/rules.ts";
export { tokenIds } from "./adapt/tokens.ts";
export { uniformChanges } from "./adapt/uniform_changes.ts";

export {
  type Annotation,
  averageOrders,
  bestConstantResponse,
  estimateJudging,
  forgedResponse,
  judge,
  judgeMessages,
  leaderboardRow,
  lengthControlledWinRate,
  loadJudgeSettings,
  meanAndDeviation,
  type ModelOutput,
  pairedBootstrap,
  pairOutputs,
  type Preference,
  preferencesFromScores,
  readAnnotations,
  readModelOutputs,
  signTest,
  simulateJudge,
  winRate,
  winRateByLength,
  winRateByPosition,
  writeRows,
} from "@implicit/alpaca-eval";
export { rankingAccuracy } from "./study/rank.ts";
export { winRateOverSeeds } from "./study/seeds.ts";

export {
  accountOf,
  exportModel,
  loadDataset,
  loadModel,
  sources,
  transformersModel,
} from "@implicit/hub";

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
export { type Embedding, modelEmbedding } from "./study/embedding.ts";
export { similarity, similarityPoints } from "./study/similarity.ts";
export { answerPrompts } from "./study/run.ts";
export { givenModel } from "./study/small.ts";
export { measureSpeed, timeTable } from "./study/speed.ts";
export { openStudy, type Study } from "./study/study.ts";
export { taskStyles } from "./study/style.ts";
export { verdicts } from "./study/claims.ts";

export {
  diagonalScatter,
  heatMap,
  intervalBars,
  liveFigure,
  lossCurves,
  progress,
  scatter,
  showFigure,
  showResponses,
  showTable,
  showTokens,
  tokenFigure,
} from "@implicit/notebook";
