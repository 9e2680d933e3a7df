/**
 * What an adapter is: arrays that are trained beside or inside a base which itself stays as it is, how
 * the forward pass uses them, and what becomes of them afterwards. A value that a notebook cell can
 * write; LoRA, a learned bias and a learned prefix are three of them.
 *
 * Knows nothing of how arrays are trained.
 */
import {
  type Hooks,
  type KeyValues,
  type LogitsProcessor,
  type Model,
  type ModelConfig,
  type Parameters,
  readSafetensors,
} from "@implicit/decoder";

/** Arrays to train, and their part in a model. Further fields, as `rank`, are its parameters. */
export interface Adapter {
  readonly name: string;
  /** Fresh arrays. Names that begin with a layer's (`model.layers.0.`) belong to that layer. */
  init(config: ModelConfig, seed: number): Parameters;
  /** How the forward pass uses them. */
  apply(config: ModelConfig): Hooks;
  /** The base with the trained arrays: in its weights where that is possible, else beside them. */
  merge(base: Model, trained: Parameters): Adapted;
}

/**
 * An adapted model, as `createDecoder` takes it.
 *
 * @example const decoder = await createDecoder(adapted.model, adapted);
 */
export interface Adapted {
  readonly model: Model;
  /** What is added to the logits at every step, of generation and of scoring. */
  readonly processors?: readonly LogitsProcessor[];
  /** Keys and values before every sequence. */
  readonly prefix?: KeyValues;
}

/**
 * Reads an adapter's trained arrays, as `writeSafetensors(path, trained)` has written them.
 *
 * @throws where the file is damaged, or holds other arrays than the adapter has on this base.
 * @example const adapted = adapter.merge(base, await readTrained(path, adapter, base.config));
 */
export async function readTrained(
  path: string,
  adapter: Adapter,
  config: ModelConfig,
): Promise<Parameters> {
  const found = await readSafetensors(path);
  const describe = (parameters: Parameters) =>
    [...parameters].map(([name, { shape }]) => `${name} [${shape}]`).sort();
  const [expected, actual] = [describe(adapter.init(config, 0)), describe(found)];
  const missing = expected.filter((array) => !actual.includes(array));
  const unknown = actual.filter((array) => !expected.includes(array));
  if (missing.length + unknown.length > 0) {
    throw new Error(
      `Expected the arrays of the adapter ${adapter.name} in ${path}, but found ` +
        `${unknown[0] ?? "nothing"} in place of ${missing[0] ?? "nothing"}. ` +
        `Was it trained with other parameters, or on another base?`,
    );
  }
  return found;
}
