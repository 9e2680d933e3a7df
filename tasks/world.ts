/**
 * `deno task world --diagnose BASE`: what a base of the micro-world does before it is adapted, by
 * family of instructions and with each of the rules left out.
 */
import { Command } from "commander";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createDecoder, loadCheckpoint, loadTokenizer } from "@implicit/decoder";
import { arms, formatPrompt, openScale, projectRoot, ruleAdapter, templates } from "implicit/tasks";
import { createWorld, diagnose, evaluationSet, recipe } from "@implicit/world";

const options = new Command("deno task world")
  .description("Say what a base of the micro-world does when it is asked in a chat template.")
  .requiredOption("--diagnose <base>", "a base of data/world or a checkpoint's folder")
  .parse()
  .opts<{ diagnose: string }>();

const shipped = join(projectRoot(), "data", "world", options.diagnose);
const folder = existsSync(shipped) ? shipped : options.diagnose;
const tokenizer = await loadTokenizer(folder);
const decoder = await createDecoder(await loadCheckpoint(folder), { threads: 1 });
const world = createWorld(recipe.worldSeed);
const scale = await openScale("miniature");
const ruleArms = [
  arms.rules(),
  arms.rules(["repetition", "uniform"]),
  arms.rules(["eos", "uniform"]),
  arms.rules(["eos", "repetition"]),
];
const { all, families, greedy } = await diagnose(decoder, tokenizer, world, {
  tasks: evaluationSet(world, "validation", recipe.evaluation.validation),
  prompt: (instruction) => formatPrompt(templates.tulu, instruction),
  rules: {
    base: [],
    ...Object.fromEntries(ruleArms.map(({ name, rules }) => [
      name,
      [ruleAdapter(tokenizer, scale.rules(rules!)).processor],
    ])),
  },
  named: recipe.rules.uniform.map(({ string }) => string),
  maxTokens: recipe.evaluation.maxTokens,
});
decoder.dispose();

const percent = (shares: object) =>
  Object.fromEntries(
    Object.entries(shares).map(([name, share]) => [name, Math.round(100 * share)]),
  );
const table = (rows: Readonly<Record<string, object>>) =>
  console.table(
    Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, percent(row)])),
  );
console.log(`${options.diagnose}, validation instructions, percent`);
table({ ...families, all });
table(greedy);
