/**
 * What generating is, whichever way logits come: prompts become rows, and each step chooses a token of
 * a row, which may end it. Knows token ids; does not know how a model is run, nor batches.
 */
import type { ModelConfig } from "../model/config.ts";
import type { LogitsProcessor } from "./processor.ts";
import { createSampler } from "./sample.ts";
import { checkIds } from "./score.ts";

/** How responses are generated; the default is greedy, until EOS or the end of the context. */
export interface GenerateOptions {
  /** Most tokens of a response. Default: what the context leaves. */
  maxTokens?: number;
  /** EOS is not chosen before this many tokens. */
  minTokens?: number;
  /** 0 (default) takes the most likely token; otherwise logits are divided by it and a token drawn. */
  temperature?: number;
  /** Draw only from the most likely tokens that together have this probability. Default 1. */
  topP?: number;
  /** Of the draws; each row has its own stream. Default 0. */
  seed?: number;
  /** What ends a response, one id or several; default: the model's own. null: nothing does. */
  eosId?: number | readonly number[] | null;
  /** Applied in turn before a token is chosen. */
  processors?: readonly LogitsProcessor[];
  /** Called for each token as it is chosen (not for EOS). */
  onToken?: (row: number, id: number) => void;
  /** Aborting rejects with the signal's reason, after the step under way. */
  signal?: AbortSignal;
}

/** A prompt's row while it is generated. */
export interface Row {
  readonly index: number;
  readonly ids: number[];
  readonly promptLength: number;
  /** Most ids, prompt and response. */
  readonly limit: number;
}

/**
 * A row for each prompt.
 *
 * @throws if there is no prompt, or one is empty, fills the context or has an id that is none.
 */
export function startRows(
  prompts: readonly (readonly number[])[],
  config: ModelConfig,
  { maxTokens = Infinity }: GenerateOptions,
): Row[] {
  if (prompts.length === 0) {
    throw new Error("Expected at least one prompt but found an empty batch.");
  }
  return prompts.map((prompt, index) => {
    checkIds(prompt, config.vocabSize, `prompt ${index}`);
    const room = config.contextLength - prompt.length;
    if (room < 1) {
      throw new Error(
        `Expected prompt ${index} to be shorter than the model's context of ` +
          `${config.contextLength} tokens but found ${prompt.length}. Shorten it.`,
      );
    }
    const limit = prompt.length + Math.min(maxTokens, room);
    return { index, ids: [...prompt], promptLength: prompt.length, limit };
  });
}

/**
 * Makes a function that chooses the next token of a row from its logits, which processors edit in
 * place, and adds it unless it ends the response. It says whether the row is finished.
 */
export function tokenChooser(
  config: ModelConfig,
  options: GenerateOptions,
): (row: Row, logits: Float32Array) => boolean {
  const { minTokens = 0, eosId, processors = [], onToken } = options;
  const eosIds = eosId === undefined ? config.eosIds : [eosId ?? []].flat();
  const sample = createSampler(options);
  return ({ index: row, ids, promptLength, limit }, logits) => {
    for (const process of processors) process(logits, { row, ids, promptLength });
    if (ids.length - promptLength < minTokens) { for (const id of eosIds) logits[id] = -Infinity; }
    const id = sample(logits, row);
    if (eosIds.includes(id)) return true;
    ids.push(id);
    onToken?.(row, id);
    return ids.length === limit;
  };
}
