/**
 * Records what a tfjs function computes, without computing it: a tfjs backend whose kernels only
 * work out the shapes of their results and write down that they were called.
 *
 * It knows nothing of single kernels (kernels.ts), nor of what becomes of the record.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import { kernels } from "./kernels.ts";
import type { TensorFunction, TensorSpec } from "./program.ts";
import type { Step, Trace, Value, Values, ValueType } from "./record.ts";

const recorderName = "recorder";

/** The backend: it holds no data, it only knows where the current record is. */
class Recorder extends tf.KernelBackend {
  steps: Step[] = [];

  /** Called by tfjs for every tensor made of given numbers. */
  override write(
    values: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
  ): Value {
    return { shape, dtype: valueType(dtype), constant: values as tf.backend_util.TypedArray };
  }

  record(kernel: string, inputs: Values, attrs: tf.NamedAttrMap): Value[] {
    const outputs = kernels[kernel]!.shape(inputs, attrs);
    const step = { kernel, inputs, attrs, outputs };
    for (const output of outputs) output.step = step;
    this.steps.push(step);
    return outputs;
  }

  override readSync(): never {
    throw new Error(
      "Expected a function that never reads a tensor's values, but found one that does: a " +
        "compiled function runs after it was recorded.",
    );
  }
  override read(): never {
    return this.readSync();
  }

  override numDataIds = () => 0;
  override disposeData = () => true;
  override incRef = () => {};
  override refCount = () => 1;
  override floatPrecision = () => 32 as const;
  override epsilon = () => 1e-7;
  override dispose = () => {};
}

function valueType(dtype: tf.DataType): ValueType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new Error(`Expected tensors of float32, int32 or bool, but found ${dtype}.`);
}

let recorder: Recorder | undefined;

function theRecorder(): Recorder {
  if (recorder) return recorder;
  const made = new Recorder();
  // Priority 0: never chosen by tfjs itself.
  tf.registerBackend(recorderName, () => made, 0);
  for (const [kernelName, { several }] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: recorderName,
      kernelFunc: ({ inputs, attrs }) => {
        const values = Object.fromEntries(
          Object.entries(inputs).map(([name, info]) => [name, valueOf(kernelName, info!)]),
        );
        const outputs = made.record(kernelName, values, attrs ?? {}).map((value) => ({
          dataId: value,
          shape: [...value.shape],
          dtype: value.dtype,
        }));
        return several ? outputs : outputs[0]!;
      },
    });
  }
  return recorder = made;
}

function valueOf(kernel: string, { dataId }: tf.TensorInfo): Value {
  if ("shape" in dataId) return dataId as Value;
  throw new Error(
    `Expected tensors made inside the compiled function, but found ${kernel} of one made outside. ` +
      "Pass it as an input.",
  );
}

/**
 * Runs `fn` once on tensors without values and returns what it would compute.
 *
 * @throws where it calls a kernel that is not known here, or reads values.
 */
export function trace(fn: TensorFunction, specs: Record<string, TensorSpec>): Trace {
  const backend = theRecorder();
  const active = tf.getBackend();
  backend.steps = [];
  // Backends that are initialised already are set before the promise returns.
  tf.setBackend(recorderName);
  const inputs: Record<string, Value> = {};
  const outputs: Record<string, Value> = {};
  try {
    tf.tidy(() => {
      const tensors: Record<string, tf.Tensor> = {};
      for (const [name, { shape, dtype }] of Object.entries(specs)) {
        const value = inputs[name] = { shape, dtype };
        const info = { dataId: value, shape: [...shape], dtype };
        tensors[name] = tf.engine().makeTensorFromTensorInfo(info);
      }
      for (const [name, tensor] of Object.entries(fn(tensors))) {
        outputs[name] = valueOf("the result", tensor);
      }
    });
    return { steps: backend.steps, inputs, outputs };
  } finally {
    backend.steps = [];
    tf.setBackend(active);
  }
}
