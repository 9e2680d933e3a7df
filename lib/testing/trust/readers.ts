/** Every reader of the project that takes what others wrote, or what was kept, by name. */
import type { Reader } from "./trial.ts";
import { csv, json, jsonLines, parquet, pgn } from "./readers/data.ts";
import { annotations, judgeReplies, judgeSettings, keptAnswers, outputs } from "./readers/judge.ts";
import { keptRuns, keptTrainings, notebooks, results } from "./readers/kept.ts";
import { config, onnx, safetensors, shards, tokenizer } from "./readers/model.ts";

export const readers = {
  safetensors,
  shards,
  config,
  tokenizer,
  onnx,
  parquet,
  "json-lines": jsonLines,
  json,
  csv,
  pgn,
  outputs,
  annotations,
  "judge-settings": judgeSettings,
  "judge-replies": judgeReplies,
  "kept-answers": keptAnswers,
  "kept-runs": keptRuns,
  "kept-trainings": keptTrainings,
  results,
  notebooks,
} satisfies Record<string, Reader>;

export type ReaderName = keyof typeof readers;

export const readerNames = Object.keys(readers) as ReaderName[];
