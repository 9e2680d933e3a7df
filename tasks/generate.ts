/** `deno task generate`: continues a prompt with a model, as it is made or as JSON. */
import { Command, Option } from "commander";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { textStream, type WeightType } from "@implicit/decoder";
import { type EngineInfo, ortVersion } from "@implicit/engine";
import { openDecoder } from "@implicit/hub";
import { plainText } from "@implicit/notebook";
import {
  formatPrompt,
  openScale,
  projectRoot,
  ruleAdapter,
  type RuleName,
  rulesFor,
  templates,
} from "implicit/tasks";
import { among, jsonObject, number, orSayWhy, several, whole } from "./arguments.ts";

type TemplateName = keyof typeof templates;
const templateNames = Object.keys(templates) as TemplateName[];
const ruleNames: readonly RuleName[] = ["eos", "repetition", "uniform"];

const options = new Command("deno task generate")
  .description("Continue a prompt with a model.")
  .requiredOption("--prompt <text>", "what to continue, or with --template to answer")
  .option("--model <folder or hub id>", "default: the micro-world's first base")
  .option("--base <folder or hub id>", "of a PEFT adapter, if not the one that it names")
  .option("--override <json>", "options in place of those of its config.json", jsonObject)
  .option(
    "--template [name]",
    `put the prompt into a chat template (${templateNames.join(", ")}; default tulu)`,
    among(templateNames),
  )
  .option("--rules <names>", `add these rules' scores: ${ruleNames.join(",")}`, several(ruleNames))
  .option("--variant <name>", "rules as in the paper or its code", among(["paper", "code"]))
  .option("--max-tokens <n>", "most tokens", whole(), 128)
  .option("--temperature <t>", "draw instead of taking the likeliest token", number, 0)
  .option("--top-p <p>", "draw from the likeliest tokens of this probability", number, 1)
  .option("--seed <n>", "of the draws", whole(), 0)
  .option("--threads <n>", "default: all cores", whole(1))
  .addOption(
    new Option("--weights <type>", "q8: rounded to 8 bits, faster, and now and then another token")
      .choices(["fp32", "q8"]).default("fp32"),
  )
  .option("--json", "print JSON: prompt_ids, ids, text, seconds, weights, engine")
  .parse()
  .opts<{
    prompt: string;
    model?: string;
    base?: string;
    override?: Record<string, unknown>;
    template?: true | TemplateName;
    rules?: readonly RuleName[];
    variant?: "paper" | "code";
    maxTokens: number;
    temperature: number;
    topP: number;
    seed: number;
    threads?: number;
    weights: WeightType;
    json?: boolean;
  }>();

const print = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(plainText(text)));
const report = (text: string) =>
  Deno.stderr.writeSync(new TextEncoder().encode(`\r${plainText(text)}\x1b[K`));

await orSayWhy(async () => {
  const { json, template, threads, weights, base, override, rules: use, variant } = options;
  const world = join(projectRoot(), "data", "world");
  const name = options.model ?? join(world, (await openScale("miniature")).bases[0]!);
  const { decoder, tokenizer } = await openDecoder(name, {
    threads,
    weights,
    base,
    override,
    onProgress({ bytes, total }) {
      if (json) return;
      report(bytes === total ? "" : `${name}: ${Math.floor(100 * bytes / total)} %`);
    },
  });
  const chat = template && templates[template === true ? "tulu" : template];
  const prompt = tokenizer.encode(chat ? formatPrompt(chat, options.prompt) : options.prompt);
  const rules = use && ruleAdapter(tokenizer, await rulesFor(tokenizer, { use, variant }));
  const next = textStream(tokenizer, prompt);
  const started = performance.now();
  const [ids] = await decoder.generate([prompt], {
    ...options,
    processors: rules ? [rules.processor] : [],
    onToken: json ? undefined : (_, id) => print(next(id)),
  });
  const seconds = (performance.now() - started) / 1000;
  decoder.dispose();
  if (json) {
    const text = tokenizer.decode([...prompt, ...ids!]).slice(tokenizer.decode(prompt).length);
    const engine: EngineInfo = {
      kind: "compiled",
      backend: "onnxruntime",
      device: "cpu",
      threads: threads ?? availableParallelism(),
      versions: { onnxruntime: ortVersion() },
    };
    print(JSON.stringify({ prompt_ids: prompt, ids, text, seconds, weights, engine }) + "\n");
  } else print("\n");
});
