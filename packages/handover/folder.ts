/**
 * Writes the folder that another machine needs and nothing else: rows, plans, settings, scripts,
 * prompts, rules, and handover.json, which holds a hash of every file that decides a result.
 *
 * Does NOT know where rows and plans come from, nor what is done with the results.
 */
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Parameters, writeSafetensors } from "@implicit/decoder";
import writeFileAtomic from "write-file-atomic";
import { diskGib, estimateRun, type ModelSize } from "./estimate.ts";
import { hashRows, type Plan, settingsOf, type TokenRow, type Training } from "./plan.ts";

/** A base that the other machine has, or fetches. */
export interface HandedModel {
  /** As `from_pretrained` takes it: "owner/name", or a folder. */
  readonly name: string;
  /** A commit of the hub; null for a folder. */
  readonly revision: string | null;
  /** sha256 of tokenizer.json. */
  readonly tokenizer: string;
  /** What ends a response. */
  readonly eosIds: readonly number[];
  readonly size: ModelSize;
}

/** A prompt as token ids. */
export interface HandedPrompt {
  readonly id: string;
  /** What it asks, for people and judges. */
  readonly instruction: string;
  readonly ids: readonly number[];
}

/** What one run is. */
export interface HandedRun {
  /** Its folder's name; letters, digits, points and dashes. */
  readonly name: string;
  /** Null: the base as it is. */
  readonly training: Training | null;
  readonly prompts: readonly HandedPrompt[];
  readonly maxTokens: number;
  /** What {@link file:./files/rules_vllm.py} adds to its logits. */
  readonly rules: readonly unknown[] | null;
  /** Kept beside it, for whoever collects it. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** A run as handover.json lists it: names of files in the folder. */
export interface ListedRun {
  readonly name: string;
  readonly plan: string | null;
  readonly steps: number;
  readonly prompts: string;
  readonly max_tokens: number;
  readonly eos: readonly number[];
  readonly rules: string | null;
  readonly about: Readonly<Record<string, unknown>>;
}

/** handover.json. */
export interface Handover {
  readonly model: HandedModel;
  readonly runs: readonly ListedRun[];
  /** sha256 of the files that decide results. */
  readonly files: Readonly<Record<string, string>>;
}

const templates = fileURLToPath(new URL("./files", import.meta.url));

/**
 * Writes the folder. What several runs share (rows, prompts, rules) stands in it once.
 *
 * @throws where two runs have one name, or a training is not consistent; handover.json is written
 *   last, so a folder without it is not whole.
 * @example
 * await writeHandover("out", model, runs, "deno task handover --model …");
 */
export async function writeHandover(
  out: string,
  model: HandedModel,
  runs: readonly HandedRun[],
  command: string,
): Promise<Handover> {
  const files = new Map<string, string>();
  const write = async (name: string, content: string) => {
    await mkdir(dirname(join(out, name)), { recursive: true });
    await writeFileAtomic(join(out, name), content);
    files.set(name, createHash("sha256").update(content).digest("hex"));
    return name;
  };
  /** Under the hash of its content, so that equal ones are one file. */
  const shared = (kind: string, ending: string, content: string) =>
    write(
      `${kind}/${createHash("sha256").update(content).digest("hex").slice(0, 12)}.${ending}`,
      content,
    );

  const listed: ListedRun[] = [];
  for (const run of runs) {
    const { name, training, prompts, rules, maxTokens, about } = run;
    if (!/^[\w.+-]+$/.test(name) || listed.some((other) => other.name === name)) {
      throw new Error(
        `Expected runs of different names that can be folders, but found "${name}".`,
      );
    }
    const asked = prompts.map(({ ids, ...rest }) =>
      JSON.stringify({ ...rest, input_ids: ids }) + "\n"
    );
    listed.push({
      name,
      plan: training && await writeTraining(out, model, name, training, { write, shared, files }),
      steps: training?.rates.length ?? 0,
      prompts: await shared("prompts", "jsonl", asked.join("")),
      max_tokens: maxTokens,
      eos: model.eosIds,
      rules: rules && await shared("rules", "json", JSON.stringify(rules)),
      about,
    });
  }
  for (const name of await readdir(templates)) {
    if (name !== "README.md") await copyFile(join(templates, name), join(out, name));
  }
  const tuned = runs.filter(({ training }) => training !== null);
  await writeFileAtomic(join(out, "runs.txt"), tuned.map(({ name }) => `${name}\n`).join(""));
  const page = await readFile(join(templates, "README.md"), "utf8");
  await writeFileAtomic(join(out, "README.md"), filled(page, model, runs, command));
  const handover = { model, runs: listed, files: Object.fromEntries(files) };
  await writeFileAtomic(join(out, "handover.json"), JSON.stringify(handover, null, 1) + "\n");
  return handover;
}

interface Writer {
  write(name: string, content: string): Promise<string>;
  shared(kind: string, ending: string, content: string): Promise<string>;
  readonly files: Map<string, string>;
}

/** Rows, adapters, plan and YAML of a run; returns the plan's name. */
async function writeTraining(
  out: string,
  model: HandedModel,
  run: string,
  training: Training,
  { write, shared, files }: Writer,
): Promise<string> {
  const { rows, order, batch, rates, reduction } = training;
  const lines = rows.map(({ ids, labels }) => JSON.stringify({ input_ids: ids, labels }) + "\n");
  const settings = settingsOf(training);
  const adapters = await writeAdapters(out, model, run, training, { write, shared, files });
  const plan: Plan = {
    run,
    rows: await shared("rows", "jsonl", lines.join("")),
    adapters,
    model: model.name,
    revision: model.revision,
    tokenizer: model.tokenizer,
    batch,
    order,
    rates,
    reduction,
    sha256: hashRows(inOrder(rows, order)),
    settings,
  };
  const name = await write(`runs/${run}/plan.json`, JSON.stringify(plan) + "\n");
  const free = {
    model_name_or_path: model.name,
    plan: name,
    output_dir: `runs/${run}/output`,
    dtype: "float32",
    attn_implementation: "sdpa",
    bf16: true,
    gradient_checkpointing: false, // fsdp2.yaml has it
    per_device_train_batch_size: 1,
    logging_steps: 1,
    save_strategy: "no",
    report_to: "none",
    disable_tqdm: true,
    accelerator_config: "{gradient_accumulation_kwargs: {sync_each_batch: true}}",
  };
  const yaml = [
    ...section("What is learnt: a run in which one of these differs is refused", settings),
    ...section("How it runs, as suits the machine", free),
  ];
  await writeFileAtomic(join(out, `runs/${run}/sft.yaml`), yaml.join(""));
  return name;
}

function* inOrder(rows: readonly TokenRow[], order: readonly number[]) {
  for (const place of order) yield rows[place]!;
}

function section(title: string, fields: Readonly<Record<string, string | number | boolean>>) {
  // YAML 1.1, as Python reads it, takes 1e-8 for a word.
  const scalar = (value: string | number | boolean) =>
    typeof value === "number" ? String(value).replace(/^(-?\d+)e/, "$1.0e") : String(value);
  return [
    `# ${title}.\n`,
    ...Object.entries(fields).map(([key, value]) =>
      `${key}: ${value === "no" ? '"no"' : scalar(value)}\n`
    ),
  ];
}

/** The adapters to start from, as PEFT saves them; names of their files. */
async function writeAdapters(
  out: string,
  model: HandedModel,
  run: string,
  { adapters }: Training,
  { write, files }: Writer,
): Promise<string[]> {
  if (!adapters) return [];
  const { rank, alpha, arrays } = adapters;
  const modules = [...arrays.keys()].map((name) => name.split(".").at(-3)!);
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: model.name,
    revision: model.revision,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    bias: "none",
    target_modules: [...new Set(modules)].sort(),
  };
  const folder = `runs/${run}/adapters`;
  const weights = `${folder}/adapter_model.safetensors`;
  const json = await write(`${folder}/adapter_config.json`, JSON.stringify(config, null, 1) + "\n");
  await writeSafetensors(
    join(out, weights),
    new Map([...arrays].map(([name, array]) => [`base_model.model.${name}`, array])),
  );
  files.set(weights, createHash("sha256").update(await readFile(join(out, weights))).digest("hex"));
  return [json, weights];
}

/** The page for whoever runs it: `«…»` of the template with what they stand for. */
function filled(
  page: string,
  model: HandedModel,
  runs: readonly HandedRun[],
  command: string,
): string {
  const tuned = runs.flatMap(({ training }) => training ?? []);
  const whole = tuned.filter(({ adapters }) => !adapters);
  const sized = tuned.map(({ rows, order, batch, adapters }) => ({
    size: adapters ? { ...model.size, trained: countOf(adapters.arrays) } : model.size,
    lengths: order.map((place) => rows[place]!.ids.length),
    batch,
  }));
  const estimates = [1, 2, 8].map((gpus) => {
    const all = sized.filter(({ batch }) => batch % gpus === 0)
      .map(({ size, lengths, batch }) => estimateRun(size, lengths, batch, gpus));
    const most = (of: (one: typeof all[number]) => number) =>
      all.map(of).reduce((a, b) => Math.max(a, b), 0);
    const hours = all.reduce((sum, { gpuHours }) => sum + gpuHours, 0);
    return `| ${gpus} | ${most((e) => e.minutes).toFixed(1)} | ${hours.toFixed(2)} | ` +
      `${(2 * hours).toFixed(2)} | ${most((e) => e.gib).toFixed(1)} |`;
  });
  const unsynchronised = (4 * model.size.parameters / 2 ** 30).toFixed(1);
  const values: Readonly<Record<string, string>> = {
    command,
    model: model.name + (model.revision ? ` at ${model.revision}` : ""),
    tuned: String(tuned.length),
    untuned: String(runs.length - tuned.length),
    example: runs.find(({ training }) => training)?.name ?? runs[0]?.name ?? "NAME",
    estimates: [
      "| H100s | minutes, longest run | GPU-hours, all runs | at most | GiB a GPU |",
      "| --- | --- | --- | --- | --- |",
      ...estimates,
    ].join("\n"),
    unsynchronised,
    disk: diskGib(model.size).toFixed(1),
    disks: (diskGib(model.size) * whole.length).toFixed(0),
  };
  return fill(page, values);
}

const countOf = (arrays: Parameters) =>
  [...arrays.values()].reduce((sum, { data }) => sum + data.length, 0);

/** A text with values in place of its `«names»`. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/«(\w+)»/g, (_, name) => values[name]!);
}
