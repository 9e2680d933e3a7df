export {
  type Annotation,
  type Comparison,
  type GamedRow,
  identicalOutputs,
  type Judge,
  type ModelOutput,
  pairOutputs,
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
export type { Price, Usage } from "./cost.ts";
export { checkBaseUrl } from "./dialect.ts";
export {
  readAnnotations,
  readDifficulty,
  readGamed,
  readModelOutputs,
  writeRows,
} from "./files.ts";
export type { Endpoint } from "./http.ts";
export { httpJudge, type HttpJudgeOptions } from "./http_judge.ts";
export { leaderboardRow } from "./leaderboard.ts";
export { lengthControlledWinRate } from "./length_control.ts";
export { type AnswerScorer, localJudge, type LocalJudgeOptions } from "./local_judge.ts";
export { type Preference, preferencesFromScores, toProbability } from "./preference.ts";
export { PythonRandom } from "./python_random.ts";
export { judgeMessages, type JudgeSettings, loadJudgeSettings } from "./settings.ts";
export {
  difference,
  type Interval,
  meanAndDeviation,
  nestedBootstrap,
  pairedBootstrap,
  type SeedTable,
  signTest,
} from "./significance.ts";
export { type WinRate, winRate } from "./win_rate.ts";
