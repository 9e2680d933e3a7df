/**
 * Low-rank adapters as PEFT saves them (adapter_config.json, adapter_model.safetensors), merged into
 * the weights of their base: W + lora_alpha / r · B A (LoRA, Hu et al. 2021). Whatever PEFT would do
 * otherwise (DoRA, another scaling, whole modules beside) is refused by the name of its option.
 *
 * Does NOT know where the base comes from.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import {
  addLowRank,
  hashParameters,
  type Model,
  type ModelConfig,
  type Parameter,
  parameterShapes,
  readHeader,
  readObject,
  readTensor,
} from "@implicit/decoder";

/** The files of an adapter. */
export const adapterFiles = ["adapter_config.json", "adapter_model.safetensors"] as const;

/** An adapter whose config has been read, and found to be one that can be merged. */
export interface PeftAdapter {
  readonly folder: string;
  /** Where its base was when it was trained: a path there, or a name on the hub. */
  readonly base: string | null;
  /** Of the base, on the hub. */
  readonly revision: string | undefined;
  readonly targets: Targets;
  /** The rank of a module's update, and what the product is multiplied by. */
  rank(module: string): number;
  scale(module: string): number;
}

/** Which modules an adapter is for. */
interface Targets {
  /** Ends of names; null: those that the file has (`target_modules` is a pattern). */
  readonly names: readonly string[] | null;
  readonly not: readonly string[];
  /** Null: all layers. */
  readonly layers: readonly number[] | null;
}

/** Options that are read here. */
const read = new Set(
  `peft_type task_type base_model_name_or_path revision r lora_alpha rank_pattern alpha_pattern
  target_modules exclude_modules layers_to_transform layers_pattern bias init_lora_weights`
    .split(/\s+/),
);

/**
 * Options that change nothing once an adapter is trained: bookkeeping, dropout, what only another
 * option would use, and `fan_in_fan_out`, which PEFT itself takes back for linear layers.
 */
const harmless = new Set(
  `auto_mapping peft_version inference_mode lora_dropout fan_in_fan_out megatron_core
  loftq_config eva_config qalora_group_size`.split(/\s+/),
);

/**
 * Reads the config of an adapter's folder.
 *
 * @returns null where the folder has none
 * @throws where the adapter is not LoRA as merged here; the error names the option.
 * @example const adapter = await readPeft("out/my-lora");
 */
export async function readPeft(folder: string): Promise<PeftAdapter | null> {
  const path = join(folder, adapterFiles[0]);
  const json = await readObject(path);
  if (json === null) return null;
  const mend = "Merge it with PEFT (merge_and_unload) and save the whole model.";
  const wrong = (name: string, expected: string, found = json[name]) =>
    new Error(
      `Expected ${expected} for ${name} in ${path}, but found ${shown(found)}. ${mend}`,
    );
  const oneOf = (name: string, ...values: unknown[]) => {
    if (values.includes(json[name] ?? null)) return;
    throw wrong(name, values.map((value) => JSON.stringify(value)).join(" or "));
  };
  oneOf("peft_type", "LORA");
  oneOf("task_type", null, "CAUSAL_LM", "FEATURE_EXTRACTION");
  oneOf("bias", null, "none");
  // The others begin by taking something off the base's weights, which are not kept.
  oneOf("init_lora_weights", null, true, false, "gaussian", "orthogonal", "eva");
  for (const [name, value] of Object.entries(json)) {
    if (read.has(name) || harmless.has(name) || isOff(value)) continue;
    throw new Error(
      `Expected no ${name} in ${path}, but found ${shown(value)}: merging it is not ` +
        `implemented. ${mend}`,
    );
  }

  const texts = (name: string, value: unknown): string[] => {
    if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
    throw wrong(name, "a list of names");
  };
  const text = (name: string): string | null => {
    const value = json[name] ?? null;
    if (value !== null && typeof value !== "string") throw wrong(name, "a text");
    return value;
  };
  const layers = json.layers_to_transform ?? [];
  const numbers = [layers].flat();
  if (!numbers.every((layer) => Number.isSafeInteger(layer))) {
    throw wrong("layers_to_transform", "numbers of layers");
  }
  const pattern = [json.layers_pattern ?? []].flat();
  if (pattern.some((name) => name !== "layers" && name !== "")) {
    throw wrong("layers_pattern", '"layers"');
  }
  const names = json.target_modules;
  /** An option's number for a module: of the first name in `patterns` that its own ends with. */
  const perModule = (option: string, patterns: string, isRight: (value: number) => boolean) => {
    const found = json[patterns] ?? {};
    const plain = typeof found === "object" &&
      Object.keys(found).every((key) => /^[\w.]+$/.test(key));
    if (!plain) throw wrong(patterns, "names of modules, no patterns");
    const entries = Object.entries(found);
    const fallback = json[option] ?? 8; // PEFT's default of both
    const given: [string, unknown][] = [...entries, [option, fallback]];
    for (const [name, value] of given) {
      if (typeof value !== "number" || !isRight(value)) {
        throw wrong(name, "a number above 0", value);
      }
    }
    return (module: string): number =>
      entries.find(([name]) => endsWith(module, name))?.[1] ?? fallback;
  };
  const rank = perModule("r", "rank_pattern", (r) => Number.isSafeInteger(r) && r > 0);
  const alpha = perModule("lora_alpha", "alpha_pattern", (a) => Number.isFinite(a) && a > 0);
  return {
    folder,
    base: text("base_model_name_or_path"),
    revision: text("revision") ?? undefined,
    targets: {
      names: typeof names === "string" ? null : texts("target_modules", names),
      not: texts("exclude_modules", json.exclude_modules ?? []),
      layers: numbers.length > 0 ? numbers as number[] : null,
    },
    rank,
    scale: (module) => alpha(module) / rank(module),
  };
}

/** A value as an error shows it, however long or deep. */
const shown = (value: unknown): string =>
  inspect(value, { depth: 1, maxArrayLength: 8, maxStringLength: 80, breakLength: Infinity });

const isOff = (value: unknown): boolean =>
  value === null || value === false || value === "" ||
  (typeof value === "object" && Object.keys(value).length === 0);

const endsWith = (module: string, name: string) => module === name || module.endsWith(`.${name}`);

/**
 * Merges an adapter into its base.
 *
 * @returns the base with other weights; its hash is of them and of the config, whose file need not
 *   lie beside the adapter
 * @throws where the adapter's arrays are not those that its config and the base call for.
 * @example const tuned = await mergePeft(await loadCheckpoint("base"), (await readPeft("lora"))!);
 */
export async function mergePeft(base: Model, adapter: PeftAdapter): Promise<Model> {
  const header = await readHeader(join(adapter.folder, adapterFiles[1]));
  const shapes = parameterShapes(base.config);
  const modules = modulesIn(base.config, [...header.tensors.keys()], header.path);
  checkTargets(base.config, new Set(modules.keys()), adapter);
  const parameters = new Map(base.parameters);
  for (const [module, stored] of modules) {
    const array = async (of: "A" | "B", shape: readonly number[]): Promise<Parameter> => {
      const name = `${stored}.lora_${of}.weight`;
      const found = header.tensors.get(name)?.shape;
      if (found?.join() === shape.join()) return { shape, data: await readTensor(header, name) };
      throw new Error(
        `Expected the shape [${shape}] for "${name}" in ${header.path}, but found ` +
          `${found ? `[${found}]` : "no such array"}. Is it an adapter of the base ${base.name}?`,
      );
    };
    const name = `${module}.weight`, rank = adapter.rank(module);
    const [out, into] = shapes.get(name) as [number, number];
    const [a, b] = [await array("A", [rank, into]), await array("B", [out, rank])];
    const weight = parameters.get(name)!;
    const data = addLowRank(weight, a, b, adapter.scale(module));
    parameters.set(name, { shape: weight.shape, data });
    await setImmediate();
  }
  const hash = createHash("sha256").update(hashParameters(parameters))
    .update(JSON.stringify([base.config.json, base.config.eosIds])).digest("hex");
  return { ...base, parameters, hash };
}

/** The modules that a file has arrays for → what these arrays' names begin with. */
function modulesIn({ family }: ModelConfig, names: readonly string[], path: string) {
  const modules = new Map<string, string>();
  for (const name of names) {
    const [, stored, module] = name.match(/^(base_model\.model\.(.+))\.lora_[AB]\.weight$/) ?? [];
    if (!stored || !module) {
      throw new Error(
        `Expected nothing but lora_A and lora_B of base_model.model in ${path}, but found ` +
          `"${name}", such as modules_to_save, use_dora or a resized embedding leave there. ` +
          `Merge it with PEFT (merge_and_unload) and save the whole model.`,
      );
    }
    // An adapter of a decoder without its head has names without their first part.
    const [first] = family.names.embedding.split(".");
    const isWhole = module.startsWith(`${first}.`) || module === family.names.head;
    modules.set(isWhole ? module : `${first}.${module}`, stored);
  }
  return modules;
}

/** @throws unless the file has just the modules that the config names, and the base has them. */
function checkTargets(config: ModelConfig, found: ReadonlySet<string>, adapter: PeftAdapter): void {
  const { names, not, layers } = adapter.targets;
  const path = join(adapter.folder, adapterFiles[0]);
  const projections = [...parameterShapes(config)]
    .filter(([name, shape]) =>
      shape.length === 2 && !name.startsWith(config.family.names.embedding)
    )
    .map(([name]) => name.slice(0, -".weight".length));
  const known = [...new Set(projections.map((name) => name.split(".").at(-1)!))].join(", ");
  const wrong = (expected: string, what: string) =>
    new Error(
      `Expected ${expected} by target_modules in ${path}, but found ${what}. Take an adapter of ` +
        `linear layers of this base (${known}), whole as PEFT saved it.`,
    );
  const strange = names?.find((name) => !projections.some((module) => endsWith(module, name))) ??
    [...found].find((module) => !projections.includes(module));
  if (strange !== undefined) {
    throw wrong(`modules of a ${config.family.name} model`, `"${strange}"`);
  }
  if (found.size === 0) throw wrong("modules", "arrays of none");
  if (names === null) return;
  const isTarget = (module: string) => {
    const layer = module.startsWith(config.family.names.layers)
      ? Number(module.slice(config.family.names.layers.length + 1).split(".")[0])
      : NaN;
    return names.some((name) => endsWith(module, name)) &&
      !not.some((name) => endsWith(module, name)) && (layers?.includes(layer) ?? true);
  };
  const differs = projections.find((module) => isTarget(module) !== found.has(module));
  if (differs === undefined) return;
  throw wrong(
    `${found.has(differs) ? "no arrays" : "arrays"} for "${differs}"`,
    found.has(differs) ? "them" : "none",
  );
}
