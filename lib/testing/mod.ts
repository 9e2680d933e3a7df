/** What checks a checkpoint and the engines against PyTorch's numbers. */
export { reportGolden, tolerances } from "./golden.ts";
