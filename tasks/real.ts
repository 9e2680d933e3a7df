/**
 * `deno task real`: tunes a real checkpoint on real rows, and keeps what came of it in
 * data/real.json, from which the README's table is written.
 */
import { Command } from "commander";
import { join } from "node:path";
import { plainText, writeWhole } from "@implicit/notebook";
import { arms, measureReal, openStudy, projectRoot, readSettings, realTable } from "implicit/tasks";
import type { StudyOptions } from "implicit";
import { jsonObject, orSayWhy, whole } from "./arguments.ts";

const options = new Command("deno task real")
  .description(
    "Tune a checkpoint on GSM8K's 1,000 rows and on the general set's responses alone, export it,\n" +
      "compare the tokens that other readers generate, and write data/real.json.",
  )
  .requiredOption("--model <folder or hub id>", "the base")
  .option("--data <what>", "lima, alpaca, or a file or folder of data (default: IMPLICIT_DATA)")
  .option("--override <json>", "options in place of those of its config.json", jsonObject)
  .option("--prompts <n>", "instructions to answer", whole(1), 24)
  .option("--fresh", "ignore finished runs and compute everything again")
  .parse()
  .opts<{
    model: string;
    data?: string;
    override?: StudyOptions["override"];
    prompts: number;
    fresh?: boolean;
  }>();

await orSayWhy(async () => {
  const { model: base, data, override, prompts, fresh = false } = options;
  const settings = { ...readSettings(), fresh };
  const study = await openStudy(
    { scale: "small", base, override, data, prompts, seeds: 1 },
    settings,
  );
  const command = ["deno task real", ...Deno.args].join(" ");
  const results = await measureReal(study, [arms.singleTask("sums"), arms.responseTuning], command);
  await writeWhole(
    join(projectRoot(), "data", "real.json"),
    JSON.stringify(results, null, 1) + "\n",
  );
  console.log(plainText(realTable(results)));
});
