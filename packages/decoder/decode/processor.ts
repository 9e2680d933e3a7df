/**
 * What may change the scores of a next token before it is chosen or scored, as the rule adapter does.
 */

/** Where a row stands: its prompt and response so far, of which `promptLength` ids are the prompt. */
export interface StepContext {
  readonly row: number;
  readonly ids: readonly number[];
  readonly promptLength: number;
}

/** Edits the logits [vocabulary] of a row's next token in place. */
export type LogitsProcessor = (logits: Float32Array, context: StepContext) => void;
