/**
 * The process in which transformers.js runs, started by transformers_process.ts: it loads one model and
 * answers requests (frame.ts) until its input ends. Knows transformers.js; does not know who asks,
 * nor what a logits processor does: it sends the logits over and takes what comes back.
 *
 * Its argument, JSON: which package to import, and the model's folder, task and dtype.
 */
import { basename, dirname } from "node:path";
import { decodeBody, encodeFrame, type Frame, HEAD, lengthsOf } from "./frame.ts";
import type { EmbeddingRequest, GenerationRequest, PeerArguments } from "./transformers_process.ts";

/** The part of transformers.js's Tensor that is used. */
interface Tensor {
  readonly dims: number[];
  readonly data: Float32Array;
  tolist(): bigint[][];
}

/** The next `size` bytes of the input; null at its end. */
function take(size: number): Uint8Array | null {
  const bytes = new Uint8Array(size);
  for (let done = 0; done < size;) {
    const count = Deno.stdin.readSync(bytes.subarray(done));
    if (!count) return null;
    done += count;
  }
  return bytes;
}

/** Waits for a message, also in the middle of a generation, whose step must not go on. */
function receive(): Frame {
  const head = take(HEAD);
  if (!head) Deno.exit(0);
  const lengths = lengthsOf(head);
  return decodeBody(take(lengths[0] + lengths[1])!, lengths);
}

function send(json: unknown, data?: Float32Array): void {
  const bytes = encodeFrame(json, data);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}

const { transformers, folder, task, dtype } = JSON.parse(Deno.args[0]!) as PeerArguments;
console.log = console.error; // the output is the pipe's
const library = await import(transformers).catch((error: Error) => {
  send({ missing: error.message });
  Deno.exit(0);
});
const { AutoModelForCausalLM, env, pipeline } = library;
env.allowRemoteModels = false;
env.localModelPath = `${dirname(folder)}/`;

const tensor = (rows: readonly (readonly number[])[]): Tensor =>
  new library.Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), [
    rows.length,
    rows[0]!.length,
  ]);
/** Rows of equal length: `pad` where a row has nothing, before it or after it. */
function padded(rows: readonly (readonly number[])[], pad: number, side: "left" | "right") {
  const length = Math.max(...rows.map((row) => row.length));
  return rows.map((row) => {
    const padding = new Array(length - row.length).fill(pad);
    return side === "left" ? [...padding, ...row] : [...row, ...padding];
  });
}
const ones = (row: readonly number[]) => row.map(() => 1);

async function generator() {
  const model = await AutoModelForCausalLM.from_pretrained(basename(folder), { dtype });
  model.configs.generation_config = null; // the model's own penalties and the like: greedy is asked for
  return async ({ prompts, maxTokens, eosIds, padId, edits }: GenerationRequest) => {
    const edit = (ids: readonly bigint[][], logits: Tensor): Tensor => {
      send({ ids: ids.map((row) => row.map(Number)), dims: logits.dims }, logits.data);
      const { json, data } = receive();
      if (json.stop) throw new Error("stopped");
      logits.data.set(data);
      return logits;
    };
    const inputs = padded(prompts, padId, "left");
    const output: Tensor = await model.generate({
      inputs: tensor(inputs),
      attention_mask: tensor(padded(prompts.map(ones), 0, "left")),
      max_new_tokens: maxTokens,
      do_sample: false,
      eos_token_id: eosIds,
      pad_token_id: padId,
      logits_processor: edits ? [edit] : [],
    });
    const length = inputs[0]!.length;
    send({ responses: output.tolist().map((row) => row.slice(length).map(Number)) });
  };
}

/** Texts of a batch. */
const ROWS = 16;

async function embedder() {
  const extract = await pipeline("feature-extraction", basename(folder), { dtype });
  const { tokenizer } = extract;
  return async ({ texts, maxTokens }: EmbeddingRequest) => {
    const encode = (text: string): number[] => {
      const ids = tokenizer.encode(text);
      // The end token stays, as the reference has it; the library's own truncation drops it.
      return ids.length > maxTokens ? [...ids.slice(0, maxTokens - 1), ids.at(-1)] : ids;
    };
    extract.tokenizer = (batch: string[]) => {
      const rows = batch.map(encode);
      const ids = padded(rows, tokenizer.pad_token_id ?? 0, "right");
      return {
        input_ids: tensor(ids),
        attention_mask: tensor(padded(rows.map(ones), 0, "right")),
        token_type_ids: tensor(ids.map((row) => row.map(() => 0))),
      };
    };
    // Texts of like length together: little padding.
    const order = texts.map((_, i) => i).sort((a, b) => texts[a]!.length - texts[b]!.length);
    let all = new Float32Array(), width = 0;
    for (let start = 0; start < order.length; start += ROWS) {
      const places = order.slice(start, start + ROWS);
      const batch = places.map((i) => texts[i]!);
      const { data, dims }: Tensor = await extract(batch, { pooling: "mean", normalize: true });
      if (start === 0) all = new Float32Array(texts.length * (width = dims[1]!));
      places.forEach((i, row) => all.set(data.subarray(row * width, (row + 1) * width), i * width));
    }
    send({ width }, all);
  };
}

const fail = (error: Error) => send({ error: error.message });
try {
  const answer = task === "generate" ? await generator() : await embedder();
  send({ ready: true });
  while (true) await answer(receive().json).catch(fail);
} catch (error) {
  fail(error as Error);
}
