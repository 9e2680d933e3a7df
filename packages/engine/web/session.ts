/**
 * ort.ts in a browser tab: the same sessions, on a pool of workers with ONNX Runtime Web.
 *
 * It knows tensors and who computes with them, and nothing of what a graph computes.
 *
 * @module
 */
import type { Bound, OrtTensor, Session as NativeSession, SessionOptions } from "../ort.ts";
import { askAll, askOne, poolVersion } from "./pool.ts";

export type { OrtTensor, SessionOptions };
export { poolVersion as ortVersion };

/** Keys of the sessions, the same on every worker. */
let keys = 0;

/** A copy of a typed array, of its type: what threads share cannot be sent. */
const copied = (data: ArrayBufferView) =>
  (data as Float32Array).slice() as Float32Array<ArrayBuffer>;

/** One loaded model, with the methods that ort.ts documents. */
export class Session implements Pick<NativeSession, keyof NativeSession> {
  private constructor(
    private readonly key: number,
    readonly inputNames: readonly string[],
    readonly outputNames: readonly string[],
  ) {}

  /** @throws with ONNX Runtime's own message if the model is broken or uses an unknown operator. */
  static async create(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
    if (typeof model === "string") {
      throw new Error(`Expected a model as bytes in a browser, but found the path ${model}.`);
    }
    const { optimize = true, memoryPattern = true, initializers } = options;
    if (initializers) {
      throw new Error(
        "Expected all constants in the model's bytes, but found some given beside it.",
      );
    }
    const key = ++keys;
    const made = await askAll({ what: "create", key, model, optimize, memoryPattern });
    return new Session(key, made.inputNames, made.outputNames);
  }

  /** @throws if an input is missing or a tensor does not fit, in ONNX Runtime's words. */
  async run(
    inputs: Record<string, OrtTensor>,
    outputs: Record<string, OrtTensor> = {},
  ): Promise<Record<string, OrtTensor>> {
    const sent = Object.entries(inputs).map(([name, { dtype, shape, data }]) => (
      { name, dtype, shape, data: copied(data) }
    ));
    const transfer = sent.map(({ data }) => data.buffer);
    const found = await askOne({ what: "run", key: this.key, inputs: sent }, transfer);
    return Object.fromEntries(found.outputs.map(({ name, dtype, shape, data }) => {
      const given = outputs[name];
      (given?.data as Float32Array | undefined)?.set(data as Float32Array<ArrayBuffer>);
      return [name, given ?? { dtype, shape, data }];
    }));
  }

  /** As ort.ts's, with nothing prepared: every run sends its inputs. */
  bind(inputs: Record<string, OrtTensor>, outputs?: Record<string, OrtTensor>): Bound {
    return { run: () => this.run(inputs, outputs), dispose() {} };
  }

  /** Frees the session's memory on every worker. */
  dispose(): void {
    void askAll({ what: "release", key: this.key });
  }
}
