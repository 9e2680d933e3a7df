/**
 * The scales of real checkpoints: `small`, any base of the hub or a folder on an ordinary machine,
 * and `paper`, the paper's own. Data from the hub or from local files, a judge where one is
 * configured. The same code path as the miniature, with other numbers.
 */
import { availableParallelism } from "node:os";
import { lora } from "../adapt/lora.ts";
import { rules as published } from "../adapt/published_rules.ts";
import {
  accountOf,
  embedTexts,
  experimentData,
  type HubOptions,
  type Instruction,
  loadModel,
  localPath,
  singleTaskSources,
} from "@implicit/hub";
import { type ConfigJson, type ModelConfig, parameterShapes } from "@implicit/decoder";
import { progress } from "@implicit/notebook";
import type { Example } from "../text/example.ts";
import { type Rules, rulesOf, type Tuning } from "./arm.ts";
import { type Embedding, LONGEST } from "./embedding.ts";
import { endpointJudge } from "./judges.ts";
import { asTuned, type Base, type Scale, type ScaleName, type ScaleOptions } from "./scale.ts";
import { serverOf } from "./server.ts";
import { projectRoot, type Settings } from "./settings.ts";

/**
 * The miniature's families as they can be told from an instruction's words, the first that fits: so
 * that "a poem" or "a sum" can be asked for at every scale. A reader's help, not a measurement.
 */
const kinds: readonly (readonly [family: string, words: RegExp])[] = [
  ["code", /\b(python|javascript|code|function|program|sql|html)\b/i],
  ["recipe", /\b(recipe|cook|bake|dish)\b/i],
  ["poem", /\b(poem|haiku|rhymes?|lyrics|limerick)\b/i],
  ["story", /\b(story|tale|novel|plot)\b/i],
  ["letter", /\b(letter|e-?mail|invitation)\b/i],
  ["sum", /\b(how (many|much)|calculate|percent|equation)\b|\d+ ?[-+*/×] ?\d+/i],
  ["text", /\b(rewrite|rephrase|edit|correct|summari[sz]e|translate|sentence)\b/i],
  ["list", /\b(list|examples of|names? of|top \d+|(give|suggest|name) .*(three|five|ten|\d+))\b/i],
  ["compare", /\b(compare|difference|better|versus|vs)\b/i],
  ["animal", /\b(animal|dog|cat|bird|fish|horse)s?\b/i],
  ["town", /\b(city|cities|town|country|travel|trip|where)\b/i],
  ["person", /\b(who|biography|actor|president)\b/i],
  ["define", /\b(define|mean(ing|s)?|what('s| is| are))\b/i],
  ["advice", /\b(how (do|can|should|to)|advice|tips?|should i|help)\b/i],
  ["describe", /\b(describe|explain|tell me)\b/i],
  ["yesno", /^(is|are|can|do|does|did|was|will|would)\b/i],
];

type Budget = Pick<Scale, "tuning" | "maxTokens" | "maxLength">;

/**
 * How a base of so many parameters is tuned. Smaller ones need larger rates: from the authors' for
 * 7 B (1e-5) and 1.1 B (5e-5, a script without reported results) to those that suit a story model
 * of 260 K. Beyond half a billion an ordinary machine's memory calls for low-rank adapters, as in
 * the authors' script for 13 B (rank 64, alpha 16, 1e-4).
 */
export function budgetOf(parameters: number): Budget {
  const shared = { schedule: "linear", warmup: 0.03 } as const;
  if (parameters < 2e7) {
    const rows = { batchSize: 8, accumulate: 2, multiple: 64 }; // sorted by length: little padding
    const tuning = { ...shared, ...rows, steps: 300, learningRate: 1e-3 };
    return { tuning, maxTokens: 256, maxLength: 512 };
  }
  // One example at a time, in few lengths: memory is what an ordinary machine has least of.
  const single = { batchSize: 1, accumulate: 32, multiple: 128, checkpointLayers: true };
  const adapter = parameters < 5e8 ? undefined : lora({ rank: 64, alpha: 16 });
  const tuning = { ...shared, ...single, epochs: 3, learningRate: 1e-4, adapter };
  return { tuning, maxTokens: 256, maxLength: 1024 };
}

/**
 * Any checkpoint: the hub id or folder in `options.base` or IMPLICIT_MODEL, else SmolLM2-135M.
 *
 * @throws if the checkpoint cannot be found or fetched; the error says what to do.
 */
export async function small(options: ScaleOptions, settings: Settings): Promise<Scale> {
  const base = options.base ?? settings.model ?? "HuggingFaceTB/SmolLM2-135M";
  const loaded = await loadBase(base, options.override);
  return {
    ...realScale("small", [base], budgetOf(parameterCount(loaded.model.config)), options, settings),
    loadBase: () => Promise.resolve(loaded),
  };
}

/**
 * The paper's bases with its batch of 64 examples of up to 2,048 tokens and its schedule as the code
 * has it. Full tuning of 7 B needs more than one process holds; here it is low-rank adapters.
 */
export function paper(options: ScaleOptions, settings: Settings): Promise<Scale> {
  const bases = ["meta-llama/Llama-2-7b-hf", "allenai/OLMo-7B-hf"];
  const { tuning } = budgetOf(7e9);
  const whole = {
    tuning: { ...tuning, epochs: 15, accumulate: 64 },
    maxTokens: 2048,
    maxLength: 2048,
  };
  return Promise.resolve(realScale("paper", bases, whole, options, settings));
}

function realScale(
  name: ScaleName,
  bases: readonly string[],
  budget: Budget,
  options: ScaleOptions,
  settings: Settings,
): Scale {
  const data = experimentData(options.data ?? settings.data, {
    root: projectRoot(),
    setting: "IMPLICIT_DATA",
    watch: showDownload,
  });
  const dataset = ({ data: kind, task, restate }: Tuning) => {
    if (kind === "single-task" && restate !== false) return data.task(taskOf(task));
    if (restate !== false) return data.general();
    if (kind !== "single-task") return data.notRestating();
    throw new Error(
      `Expected the general set for responses that do not restate, but found the single task ` +
        `"${task}", of which there are none: leave that arm out.`,
    );
  };
  return {
    name,
    bases,
    ...budget,
    threads: availableParallelism(),
    singleTasks: Object.keys(singleTaskSources),
    code: ["lib/study/small.ts"],
    familyOf: () => null, // every instruction counts, as in the paper
    inStyle: (task, response) => taskOf(task).style.test(response),
    weights: settings.weights,
    server: settings.server && serverOf(settings.server),
    loadBase: (name) => loadBase(name, options.override),
    async examples(tuning, seed) {
      const { items } = await dataset(tuning);
      return asTuned(items.slice(0, tuning.examples), tuning, seed);
    },
    account: async (tuning) => accountOf(await dataset(tuning)),
    async prompts(split) {
      const items = split === "ranking"
        ? (await data.ranking()).items.map(asInstruction)
        : (await data.prompts(split)).items;
      return items.map(({ instruction, reference, group }, i) => ({
        id: `${split}-${i + 1}`,
        family: kinds.find(([, words]) => words.test(instruction))?.[0] ?? group ?? split,
        instruction,
        response: reference,
      }));
    },
    grade: () => null,
    judge: settings.judge && endpointJudge(settings.judge, settings.cache),
    embedding: () => paperEmbedding,
    rules: llamaRules,
  };
}

/** A training example as an instruction with its reference response. */
function asInstruction({ messages }: Example): Instruction {
  const of = (role: "user" | "assistant") => messages.find((m) => m.role === role)?.content ?? "";
  return { instruction: of("user"), reference: of("assistant"), group: null };
}

/** A base; one that is tuned with adapters leaves its weights in their files. */
async function loadBase(name: string, override?: ConfigJson): Promise<Base> {
  const place = localPath(name, projectRoot()) ?? name;
  const base = await showDownload(
    name,
    (onProgress) => loadModel(place, { onProgress, inFile: true, override }),
  );
  const { config, parameters } = base.model;
  if (budgetOf(parameterCount(config)).tuning.adapter) return base;
  const inMemory = [...parameters].map(([name, { shape, data }]) =>
    [name, { shape, data }] as const
  );
  return { ...base, model: { ...base.model, parameters: new Map(inMemory) } };
}

/**
 * The authors' embedding: nomic-embed-text-v1 without a task prefix. Fetches it, and transformers.js,
 * the first time (550 and 490 MB).
 */
export const paperEmbedding: Embedding = (texts) => {
  const name = "nomic-ai/nomic-embed-text-v1";
  const options = { maxTokens: LONGEST, install: true };
  return showDownload(name, (onProgress) => embedTexts(name, texts, { ...options, onProgress }));
};

/** Shows a progress bar while `work` downloads something; none where nothing had to be fetched. */
async function showDownload<T>(
  label: string,
  work: (onProgress: HubOptions["onProgress"]) => Promise<T>,
): Promise<T> {
  let bar: ReturnType<typeof progress> | undefined;
  const result = await work(({ file, bytes, total }) => {
    bar ??= progress(`${label} (MB)`, Math.ceil(total / 1e6));
    bar.update(bytes / 1e6, `${file}, ${(bytes / 1e6).toFixed(0)} MB`);
  });
  await bar?.done();
  return result;
}

function taskOf(name = "") {
  const task = singleTaskSources[name];
  if (task) return task;
  throw new Error(
    `Expected a single task (${
      Object.keys(singleTaskSources).join(", ")
    }), but found "${name}": name one.`,
  );
}

/** How many weights a decoder has. */
export function parameterCount(config: ModelConfig): number {
  const shapes = [...parameterShapes(config).values()];
  return shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** The published rules; their strings are looked up in whichever tokenizer there is. */
export function llamaRules(rules: Rules) {
  const [eos, repetition, { changes: uniform }] = published.llama2(rules.variant ?? "paper");
  return rulesOf(rules, { eos, repetition, uniform });
}
