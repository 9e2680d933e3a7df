/** What checks a checkpoint and the engines against PyTorch's numbers, and what `trust` measures. */
export { reportGolden, tolerances } from "./golden.ts";
export { campaign } from "./trust/campaign.ts";
export { workNames } from "./trust/kills.ts";
export { readerNames } from "./trust/readers.ts";
