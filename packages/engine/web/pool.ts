/**
 * A pool of Web Workers, each with an ONNX Runtime of one thread: a page needs no headers for it, as
 * threads within an operator would. Every session lives on all of them, and a run goes to the freest.
 *
 * It knows workers and questions, and nothing of tensors.
 *
 * @module
 */
import type { Answer, Question } from "./session_worker.ts";

/** How a pool is made. */
export interface PoolOptions {
  /** Address of session_worker.ts as one script. */
  readonly script: string;
  /** Default classic, which a page opened from disk can start too. */
  readonly type?: "classic" | "module";
  /** The bytes of onnxruntime-web's WebAssembly. */
  readonly wasm: ArrayBuffer;
  /** Workers, default 2. How many there are changes no result. */
  readonly size?: number;
}

/** What a question gives. */
export type AnswerTo<Q extends Question> = Extract<Answer, { readonly what: Q["what"] }>;

/** One worker, and who waits for it. */
class Place {
  busy = 0;
  private next = 0;
  private readonly waiting = new Map<number, PromiseWithResolvers<Answer>>();

  constructor(private readonly worker: Worker) {
    worker.onmessage = ({ data: { id, answer, error } }) => {
      const { resolve, reject } = this.waiting.get(id)!;
      this.waiting.delete(id);
      this.busy--;
      if (error === undefined) resolve(answer);
      else reject(new Error(error));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      for (const { reject } of this.waiting.values()) reject(new Error(event.message));
    };
  }

  ask<Q extends Question>(question: Q, transfer: Transferable[] = []): Promise<AnswerTo<Q>> {
    const asked = Promise.withResolvers<Answer>();
    this.waiting.set(++this.next, asked);
    this.busy++;
    this.worker.postMessage({ id: this.next, question }, transfer);
    return asked.promise as Promise<AnswerTo<Q>>;
  }
}

let places: readonly Place[] = [];
let version = "";

/**
 * Starts the workers that all sessions of this thread live on.
 *
 * @throws where `wasm` is none (cut short) or wants what this browser has not (SIMD), or a worker does
 *   not start.
 * @example
 * await openPool({ script: "session.js", wasm: await (await fetch("ort.wasm")).arrayBuffer() });
 */
export async function openPool({ script, type, wasm, size = 2 }: PoolOptions): Promise<void> {
  if (!WebAssembly.validate(wasm)) {
    throw new Error(
      `Expected ONNX Runtime's WebAssembly that this browser can run, but found ${wasm.byteLength} ` +
        "bytes which it refuses. Load it again: it may be cut short.",
    );
  }
  places = Array.from({ length: size }, () => new Place(new Worker(script, { type })));
  ({ version } = await askAll({ what: "start", wasm }));
}

/** The version of onnxruntime-web that the pool runs; "" before there is one. */
export const poolVersion = (): string => version;

/** @throws where no pool was opened. */
function opened(): readonly Place[] {
  if (places.length > 0) return places;
  throw new Error("Expected a pool of workers, but found none: call openPool first.");
}

/** Asks every worker, and gives the first one's answer. */
export async function askAll<Q extends Question>(question: Q): Promise<AnswerTo<Q>> {
  const [first] = await Promise.all(opened().map((place) => place.ask(question)));
  return first!;
}

/** Asks the worker with the fewest questions. */
export function askOne<Q extends Question>(
  question: Q,
  transfer: Transferable[],
): Promise<AnswerTo<Q>> {
  return opened().reduce((a, b) => (b.busy < a.busy ? b : a)).ask(question, transfer);
}
