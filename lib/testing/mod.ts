/** What checks a checkpoint and the engines against PyTorch's numbers, and what `trust` measures. */
export { reportGolden, tolerances } from "./golden.ts";
export { killWork, workNames } from "./trust/kills.ts";
export { tryReader } from "./trust/inputs.ts";
export { readerNames } from "./trust/readers.ts";
