export {
  type Annotation,
  type Comparison,
  identicalOutputs,
  type Judge,
  type ModelOutput,
  pairOutputs,
  readAnnotations,
  readDifficulty,
  readGamed,
  readModelOutputs,
  writeRows,
} from "./annotation.ts";
export {
  averageOrders,
  bestConstantResponse,
  forgedResponse,
  type ScoredComparison,
  simulateJudge,
  winRateByLength,
  winRateByPosition,
} from "./bias.ts";
export type { Price } from "./cost.ts";
export { estimateJudging, judge } from "./judge.ts";
export { leaderboardRow } from "./leaderboard.ts";
export { type AnswerScorer, localJudge, type LocalJudgeOptions } from "./local_judge.ts";
export { lengthControlledWinRate } from "./length_control.ts";
export { type Preference, preferencesFromScores, toProbability } from "./preference.ts";
export { PythonRandom } from "./python_random.ts";
export { judgeMessages, type JudgeSettings, loadJudgeSettings } from "./settings.ts";
export {
  bootstrapGroups,
  type BootstrapOptions,
  type Interval,
  meanAndDeviation,
  pairedBootstrap,
  type SeedTable,
  signTest,
} from "./significance.ts";
export { type WinRate, winRate } from "./winrate.ts";
