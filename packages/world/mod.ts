export { trainBpe } from "./bpe.ts";
export { diagnose, type Diagnosis, type Figures, type Greedy } from "./diagnose.ts";
export type { Corpus } from "./corpus.ts";
export { documents } from "./documents.ts";
export { createWorld, type World } from "./facts.ts";
export { singleTasks } from "./families.ts";
export { complies, refusals } from "./families/venom.ts";
export { grade } from "./grade.ts";
export { worldSeed } from "./recipe.ts";
export {
  configOf,
  tokenizerFiles,
  tokenizerOf,
  tokenStream,
  trainingOptions,
} from "./pretraining.ts";
export { evaluationSet, rankingSet, type Task, tasks, tuningSet } from "./tasks.ts";
export { unitsOf } from "./units.ts";
export * as recipe from "./recipe.ts";
