/**
 * A worker of pool.ts: ONNX Runtime Web with one thread, and the sessions that live there. Types are
 * those of onnxruntime-common, which onnxruntime-web extends and the page's build puts in its place.
 *
 * It knows ONNX Runtime's interface, and nothing of who asks.
 *
 * @module
 */
import * as ort from "onnxruntime-common";
import type { DataType } from "../onnx.ts";

/** A tensor as it is sent: the receiver owns its data. */
export interface SentTensor {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView<ArrayBuffer>;
}

export type Question =
  | { readonly what: "start"; readonly wasm: ArrayBuffer }
  | {
    readonly what: "create";
    readonly key: number;
    readonly model: Uint8Array;
    readonly optimize: boolean;
    readonly memoryPattern: boolean;
  }
  | { readonly what: "run"; readonly key: number; readonly inputs: readonly SentTensor[] }
  | { readonly what: "release"; readonly key: number };

export type Answer =
  | { readonly what: "start"; readonly version: string }
  | { readonly what: "release" }
  | {
    readonly what: "create";
    readonly inputNames: readonly string[];
    readonly outputNames: readonly string[];
  }
  | { readonly what: "run"; readonly outputs: readonly SentTensor[] };

const sessions = new Map<number, ort.InferenceSession>();

async function answer(question: Question): Promise<Answer> {
  switch (question.what) {
    case "start":
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmBinary = question.wasm;
      return { what: "start", version: ort.env.versions.web ?? "" };
    case "create": {
      const { key, model, optimize, memoryPattern } = question;
      const session = await ort.InferenceSession.create(model, {
        executionProviders: ["wasm"],
        graphOptimizationLevel: optimize ? "all" : "disabled",
        enableMemPattern: memoryPattern,
        executionMode: "sequential",
        logSeverityLevel: 4,
      });
      ort.env.wasm.wasmBinary = undefined; // read when the first session was made
      sessions.set(key, session);
      return {
        what: "create",
        inputNames: session.inputNames,
        outputNames: session.outputNames,
      };
    }
    case "run": {
      const feeds = question.inputs.map(({ name, dtype, shape, data }) =>
        [name, new ort.Tensor(dtype as "float32", data as Float32Array, shape)] as const
      );
      const found = await sessions.get(question.key)!.run(Object.fromEntries(feeds));
      const outputs = Object.entries(found).map(([name, { type, dims, data }]) => (
        { name, dtype: type as DataType, shape: dims, data: data as Float32Array<ArrayBuffer> }
      ));
      return { what: "run", outputs };
    }
    case "release":
      await sessions.get(question.key)?.release();
      sessions.delete(question.key);
      return { what: "release" };
  }
}

const scope = globalThis as unknown as Pick<Worker, "postMessage" | "onmessage">;

/** Ends with the question before. ONNX Runtime Web would mix two runs up: both use one stack. */
let last: Promise<void> = Promise.resolve();

scope.onmessage = ({ data: { id, question } }) => {
  last = last.then(async () => {
    try {
      const given = await answer(question);
      const outputs = given.what === "run" ? given.outputs : [];
      const transfer = [...new Set(outputs.map(({ data }) => data.buffer))];
      scope.postMessage({ id, answer: given }, transfer);
    } catch (error) {
      scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
};
