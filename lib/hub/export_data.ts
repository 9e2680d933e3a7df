/**
 * Training data for other trainers: TRL (prompt and completion, with its YAML) and axolotl
 * (segments). The texts are the ones this laboratory trains on, tags, EOS and stripping included.
 *
 * Does NOT run those trainers. The formats are those of November 2026: check the names of fields
 * against the version you install.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { type Example, exampleTurns } from "../text/example.ts";
import type { ChatTemplate } from "../text/template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** A row for TRL; the trainer appends EOS to the completion and takes the loss on it alone. */
export interface PromptCompletion {
  readonly prompt: string;
  readonly completion: string;
}

/**
 * Rows for `trl sft`: one for each response, with everything before it as its prompt.
 *
 * A dialogue of several turns becomes several rows, so it weighs more than here, where all of an
 * example's responses are one mean; and the newline after a non-final EOS is no target there.
 *
 * @example trlRows(examples.map(toResponseTuning), tokenizer, templates.tulu)
 */
export function trlRows(
  examples: readonly Example[],
  tokenizer: Tokenizer,
  template: ChatTemplate,
): PromptCompletion[] {
  const eos = tokenizer.token(tokenizer.eosId);
  return examples.flatMap((example) => {
    const turns = exampleTurns(example, template, eos);
    return turns.flatMap(({ role, tag, body }, k) => {
      if (role !== "assistant") return [];
      const before = turns.slice(0, k).map((turn) => turn.tag + turn.body).join("");
      return [{ prompt: before + tag, completion: body.slice(0, -`${eos}\n`.length) }];
    });
  });
}

/** A row for axolotl's `type: input_output`: texts as they stand, `label` = take the loss on it. */
export interface Segments {
  readonly segments: readonly { readonly label: boolean; readonly text: string }[];
}

/**
 * Rows for axolotl, BOS and EOS written out. Each segment is tokenised by itself, so with a
 * tokenizer that puts a space before a text (Llama-2's) the ids at the seams differ from ours.
 */
export function axolotlRows(
  examples: readonly Example[],
  tokenizer: Tokenizer,
  template: ChatTemplate,
): Segments[] {
  const addsBos = tokenizer.bosId !== null && tokenizer.encode("")[0] === tokenizer.bosId;
  const bos = addsBos ? tokenizer.token(tokenizer.bosId!) : "";
  const eos = tokenizer.token(tokenizer.eosId);
  return examples.map((example) => {
    const turns = exampleTurns(example, template, eos);
    const segments: { label: boolean; text: string }[] = [];
    let masked = bos;
    turns.forEach(({ role, tag, body }, k) => {
      masked += tag;
      if (role !== "assistant") masked += body;
      else {
        const isLast = k === turns.length - 1; // its newline is cut off; the others' are targets
        segments.push({ label: false, text: masked });
        segments.push({ label: true, text: isLast ? body.slice(0, -1) : body });
        masked = "";
      }
    });
    return { segments };
  });
}

/** What a run on other hardware needs to know; the defaults are the authors' code (paper.md §2). */
export interface TrlOptions {
  /** Hub id or folder of the base. */
  model: string;
  /** Where TRL shall write the tuned model. */
  output: string;
  learningRate: number;
  epochs: number;
  seed: number;
  /** Default "code": linear, 3% warm-up. "paper": cosine, 10%. */
  schedule?: "code" | "paper";
  /** Default 64, made of `perDevice` (default 1) × accumulation on `devices` (default 1). */
  batchSize?: number;
  perDevice?: number;
  devices?: number;
  maxLength?: number;
  lora?: { rank: number; alpha: number };
}

/**
 * Writes `train.jsonl` and `sft.yaml` into `folder`, for `trl sft --config sft.yaml` there.
 *
 * @throws Error when the batch cannot be made of whole micro-batches.
 */
export async function writeTrl(
  folder: string,
  rows: readonly PromptCompletion[],
  options: TrlOptions,
): Promise<void> {
  const yaml = trlConfig(options); // before anything is written: it may refuse
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, "train.jsonl"), jsonLines(rows));
  await writeFileAtomic(join(folder, "sft.yaml"), yaml);
}

/** TRL's YAML for these options; `train.jsonl` lies beside it. */
export function trlConfig(options: TrlOptions): string {
  const { batchSize = 64, perDevice = 1, devices = 1, schedule = "code" } = options;
  const accumulate = batchSize / (perDevice * devices);
  if (!Number.isInteger(accumulate) || accumulate < 1) {
    throw new Error(
      `Expected a batch size that is a multiple of perDevice × devices = ${perDevice * devices} ` +
        `but found ${batchSize}. Change one of the three.`,
    );
  }
  const fields = {
    model_name_or_path: options.model,
    datasets: [{ path: "json", data_files: "train.jsonl", split: "train" }],
    max_length: options.maxLength ?? 2048,
    packing: false,
    completion_only_loss: true,
    learning_rate: options.learningRate,
    lr_scheduler_type: schedule === "code" ? "linear" : "cosine",
    // A fraction below 1 is a ratio: transformers 5 has dropped warmup_ratio, its older name.
    warmup_steps: schedule === "code" ? 0.03 : 0.1,
    num_train_epochs: options.epochs,
    per_device_train_batch_size: perDevice,
    gradient_accumulation_steps: accumulate,
    seed: options.seed,
    data_seed: options.seed,
    ...(options.lora
      ? { use_peft: true, lora_r: options.lora.rank, lora_alpha: options.lora.alpha }
      : {}),
    output_dir: options.output,
  };
  // JSON values are YAML values, so nothing needs a YAML writer; but Python's YAML takes 3e-7 for
  // text and wants 3.0e-7.
  const yaml = (value: unknown) => JSON.stringify(value).replace(/^(\d+)e/, "$1.0e");
  return Object.entries(fields).map(([key, value]) => `${key}: ${yaml(value)}\n`).join("");
}

/** Rows as JSON lines. */
export const jsonLines = (rows: readonly unknown[]): string =>
  rows.map((row) => JSON.stringify(row) + "\n").join("");
