/**
 * `deno task world --diagnose BASE`: what a base of the micro-world does before it is adapted, by
 * family of instructions and with each of the rules left out, and whether it can show the effects.
 */
import { Command } from "commander";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadCheckpoint, loadTokenizer } from "@implicit/decoder";
import { diagnoseBase, projectRoot } from "implicit/tasks";
import { orSayWhy } from "./arguments.ts";

const options = new Command("deno task world")
  .description(
    "Say what a base of the micro-world does when it is asked in a chat template.\n" +
      "Ends with 1 where the base cannot show an effect, before any arm is run.",
  )
  .requiredOption("--diagnose <base>", "a base of data/world or a checkpoint's folder")
  .parse()
  .opts<{ diagnose: string }>();

await orSayWhy(async () => {
  const { diagnose: name } = options;
  const shipped = join(projectRoot(), "data", "world", name);
  const folder = existsSync(shipped) ? shipped : name;
  const [model, tokenizer] = [await loadCheckpoint(folder), await loadTokenizer(folder)];
  const { families, greedy, gates } = await diagnoseBase({ name, model, tokenizer });
  console.log(`${name}, validation instructions, percent`);
  for (const rows of [families, greedy, gates]) console.table(rows);
  if (gates.some(({ passes }) => !passes)) Deno.exit(1);
});
