/**
 * Trainings and prompts for other engines: a folder that TRL and vLLM work from, and what comes back.
 *
 * @module
 */
export { type CollectedRun, collectRuns, type HandedAnswer } from "./collect.ts";
export { diskGib, type Estimate, estimateRun, type Gpu, type ModelSize } from "./estimate.ts";
export {
  type HandedModel,
  type HandedPrompt,
  type HandedRun,
  type Handover,
  type ListedRun,
  writeHandover,
} from "./folder.ts";
export { writeGrid } from "./grid.ts";
export {
  hashRows,
  type Plan,
  type StartingAdapters,
  type TokenRow,
  type Training,
} from "./plan.ts";
export type { ServerOptions } from "./http.ts";
export { vllmDecoder, type VllmOptions } from "./vllm.ts";
