/**
 * The record of what a tfjs function computes: kernel calls and the tensors between them.
 *
 * It knows neither how it is made (trace.ts) nor what becomes of it (lower.ts, wasm.ts).
 *
 * @module
 */
import type { backend_util, NamedAttrMap } from "@tensorflow/tfjs-core";

/** Types a recorded tensor can have. */
export type ValueType = "float32" | "int32" | "bool";

/** A tensor of the record. It serves as its own dataId in tfjs. */
export interface Value {
  readonly shape: readonly number[];
  readonly dtype: ValueType;
  /** Its values, where they are known. */
  readonly constant?: backend_util.TypedArray;
  /** The call it is a result of; neither this nor `constant` means an input. */
  step?: Step;
}

/** Tensors by the names that a kernel or a function has for them. */
export type Values = Readonly<Record<string, Value>>;

/** One recorded kernel call. */
export interface Step {
  readonly kernel: string;
  readonly inputs: Values;
  readonly attrs: NamedAttrMap;
  readonly outputs: readonly Value[];
}

/** What a function computes: its kernel calls in order, its inputs and outputs by name. */
export interface Trace {
  readonly steps: readonly Step[];
  readonly inputs: Values;
  readonly outputs: Values;
}
