export { type BareCheckpoint, bareCheckpoint } from "./bare.ts";
export {
  accountOf,
  type Dataset,
  type DatasetSource,
  loadDataset,
  textOf,
  Unfit,
} from "./dataset.ts";
export { type Example, type Message, pair } from "./example.ts";
export {
  type ExperimentData,
  experimentData,
  type ExperimentOptions,
  localPath,
} from "./experiment_data.ts";
export { exportModel, type ExportType } from "./export.ts";
export { loadModel, type LoadOptions } from "./load.ts";
export { openDecoder } from "./open.ts";
export type { HubOptions } from "./repository.ts";
export { type Reading, roundTrip } from "./round_trip.ts";
export { readRows, type Row } from "./rows.ts";
export { singleTaskSources } from "./single_tasks.ts";
export { type Instruction, sources } from "./sources.ts";
export {
  embedTexts,
  NotInstalled,
  type TransformersModel,
  transformersModel,
  type TransformersOptions,
  transformersPackage,
} from "./transformers.ts";
