/**
 * `deno task generate`: continues a prompt with a model, as it is made or as JSON.
 */
import { Command, InvalidArgumentError } from "commander";
import { existsSync, statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  createDecoder,
  createOnnxDecoder,
  type Decoder,
  loadTokenizer,
  parseConfig,
  type Tokenizer,
} from "@implicit/decoder";
import {
  type ChatTemplate,
  chooseRules,
  formatPrompt,
  openScale,
  projectRoot,
  type Rule,
  ruleAdapter,
  rules,
  templates,
} from "implicit/tasks";
import { type EngineInfo, ortVersion } from "@implicit/engine";
import { loadModel } from "@implicit/hub";

const ruleNames: readonly Rule[] = ["eos", "repetition", "uniform"];

const whole = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError("Expected a whole number.");
  }
  return value;
};
const among = <T extends string>(names: readonly T[]) => (text: string): T => {
  const found = names.find((name) => name === text);
  if (!found) throw new InvalidArgumentError(`Expected one of ${names.join(", ")}.`);
  return found;
};
const several = (text: string) => text.split(",").map((name) => among(ruleNames)(name.trim()));
const number = (text: string) => {
  if (text.trim() === "" || Number.isNaN(Number(text))) {
    throw new InvalidArgumentError("Expected a number.");
  }
  return Number(text);
};

const options = new Command("deno task generate")
  .description("Continue a prompt with a model.")
  .requiredOption("--prompt <text>", "what to continue, or with --template to answer")
  .option("--model <folder or hub id>", "default: the micro-world's first base")
  .option(
    "--template [name]",
    `put the prompt into a chat template (${Object.keys(templates).join(", ")}; default tulu)`,
    among(Object.keys(templates) as (keyof typeof templates)[]),
  )
  .option("--rules <names>", `add these rules' scores: ${ruleNames.join(",")}`, several)
  .option("--variant <name>", "rules as in the paper or its code", among(["paper", "code"]))
  .option("--max-tokens <n>", "most tokens", whole, 128)
  .option("--temperature <t>", "draw instead of taking the likeliest token", number, 0)
  .option("--top-p <p>", "draw from the likeliest tokens of this probability", number, 1)
  .option("--seed <n>", "of the draws", whole, 0)
  .option("--threads <n>", "default: all cores", whole)
  .option("--json", "print JSON: prompt_ids, ids, text, seconds, engine")
  .parse()
  .opts<{
    prompt: string;
    model?: string;
    template?: true | keyof typeof templates;
    rules?: Rule[];
    variant?: "paper" | "code";
    maxTokens: number;
    temperature: number;
    topP: number;
    seed: number;
    threads?: number;
    json?: boolean;
  }>();

/** What generates, and with which tokenizer. */
interface Opened {
  readonly decoder: Pick<Decoder, "generate" | "dispose">;
  readonly tokenizer: Tokenizer;
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  Deno.exit(1);
}

async function main(): Promise<void> {
  const { decoder, tokenizer } = await open(options.model ?? await firstBase());
  const { template } = options;
  const chat: ChatTemplate | null = template
    ? templates[template === true ? "tulu" : template]
    : null;
  const prompt = tokenizer.encode(chat ? formatPrompt(chat, options.prompt) : options.prompt);
  const adapter = options.rules && ruleAdapter(tokenizer, await ruleSet(tokenizer, options.rules));

  const ids: number[] = [];
  let printed = "";
  const started = performance.now();
  const [response] = await decoder.generate([prompt], {
    ...options,
    processors: adapter ? [adapter.processor] : [],
    onToken(_, id) {
      if (options.json) return;
      ids.push(id);
      const text = tokenizer.decode([...prompt, ...ids]).slice(tokenizer.decode(prompt).length);
      if (text.endsWith("\uFFFD")) return; // the rest of the character is still to come
      Deno.stdout.writeSync(new TextEncoder().encode(text.slice(printed.length)));
      printed = text;
    },
  });
  const seconds = (performance.now() - started) / 1000;
  decoder.dispose();
  if (!options.json) {
    console.log();
    return;
  }
  const engine: EngineInfo = {
    kind: "compiled",
    backend: "onnxruntime",
    device: "cpu",
    threads: options.threads ?? availableParallelism(),
    versions: { onnxruntime: ortVersion() },
  };
  const text = tokenizer.decode([...prompt, ...response!]).slice(tokenizer.decode(prompt).length);
  console.log(JSON.stringify({ prompt_ids: prompt, ids: response, text, seconds, engine }));
}

/** Opens a checkpoint, or an exported folder that has nothing but ONNX. */
async function open(name: string): Promise<Opened> {
  const { threads } = options;
  const onnxFolder = join(name, "onnx");
  const isFolder = statSync(name, { throwIfNoEntry: false })?.isDirectory();
  const files = isFolder ? await readdir(name) : [];
  const hasWeights = files.some((file) => file.endsWith(".safetensors"));
  const onnx = !hasWeights && existsSync(onnxFolder)
    ? (await readdir(onnxFolder)).filter((file) => file.endsWith(".onnx")).sort()[0]
    : undefined;
  if (onnx) {
    const config = parseConfig(JSON.parse(await readFile(join(name, "config.json"), "utf8")));
    const decoder = await createOnnxDecoder(join(onnxFolder, onnx), config, { threads });
    return { decoder, tokenizer: await loadTokenizer(name) };
  }
  const { model, tokenizer } = await loadModel(name, {
    onProgress: ({ bytes, total }) => {
      if (options.json) return;
      const percent = Math.floor(100 * bytes / total);
      Deno.stderr.writeSync(new TextEncoder().encode(`\r${name}: ${percent} %\x1b[K`));
      if (bytes === total) Deno.stderr.writeSync(new TextEncoder().encode("\r\x1b[K"));
    },
  });
  return { decoder: await createDecoder(model, { threads, batchSize: 1 }), tokenizer };
}

/** The first folder of data/world that holds a checkpoint. */
async function firstBase(): Promise<string> {
  const world = join(projectRoot(), "data", "world");
  const names = (await readdir(world)).sort();
  const found = names.find((name) => existsSync(join(world, name, "config.json")));
  if (!found) {
    throw new Error(
      `Expected a base in ${world} but found none. Make one with \`deno task pretrain\`, or name a ` +
        `model with --model.`,
    );
  }
  return join(world, found);
}

/** The micro-world's rules for its own tokenizer, the paper's for any other. */
async function ruleSet(tokenizer: Tokenizer, use: readonly Rule[]) {
  const base = await firstBase().catch(() => null); // without the world's bases it is another's
  if (base && (await loadTokenizer(base)).hash === tokenizer.hash) {
    return (await openScale("miniature")).rules({ use, variant: options.variant });
  }
  return chooseRules(rules.llama2(options.variant), use);
}
