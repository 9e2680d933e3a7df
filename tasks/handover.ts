/**
 * `deno task handover`: writes the folder from which TRL and vLLM tune, generate and score a model
 * that is too large for one machine, or the files that divide a study of the miniature over many.
 */
import { Command, Option } from "commander";
import { writeGrid } from "@implicit/handover";
import { layOut, plainText, tableText } from "@implicit/notebook";
import {
  armsNamed,
  collect,
  handedOver,
  handOver,
  lora,
  readSettings,
  type ScheduleName,
  schedules,
  studyNamed,
  summaryRows,
} from "implicit/tasks";
import { jsonObject, orSayWhy, whole } from "./arguments.ts";

const options = new Command("deno task handover")
  .description(
    "Write a folder that trains arms of the paper with TRL and answers prompts with vLLM, on other\n" +
      "machines and without this project; or read it back; or divide a study over machines with it.",
  )
  .option("--model <hub id or folder>", "the base; only config.json and tokenizer are read")
  .option("--arms <list>", "paper (all of it for this base), or names separated by commas", "paper")
  .option("--seeds <n>", "seeds of each tuned arm", whole(1, 100), 5)
  .addOption(new Option("--schedule <name>").choices(Object.keys(schedules)).default("code"))
  .option("--data <what>", "lima, alpaca, or a file or folder of data (default: IMPLICIT_DATA)")
  .option("--prompts <n>", "the first so many prompts (default: all)", whole(1))
  .option("--lora <rank>", "low-rank adapters in place of all weights", whole(1))
  .option("--tuning <json>", 'settings in place of the paper\'s, as {"batchSize": 32}', jsonObject)
  .option("--out <folder>", "where to write it")
  .option(
    "--study <name>",
    "course (what reproduce runs), or one that `deno task study` names: write",
  )
  .option("--shards <n>", "Slurm array and Kubernetes job of so many parts of it", whole(2, 10_000))
  .option("--collect <folder>", "read such a folder back, in place of writing one")
  .parse()
  .opts<{
    model?: string;
    arms: string;
    seeds: number;
    schedule: ScheduleName;
    data?: string;
    prompts?: number;
    lora?: number;
    tuning?: Record<string, unknown>;
    out?: string;
    study?: string;
    shards?: number;
    collect?: string;
  }>();

await orSayWhy(async () => {
  if (options.collect !== undefined) {
    console.log(tableText(await layOut(await collect(options.collect))));
    const rows = summaryRows(await handedOver(options.collect));
    if (rows.length > 0) console.log(`\n${tableText(await layOut(rows))}`);
    return;
  }
  const { arms: names, lora: rank, model, out, study, shards, seeds } = options;
  if (study !== undefined && shards !== undefined) {
    const task = study === "course"
      ? `reproduce --seeds ${seeds}`
      : `study ${studyNamed(study).name}`;
    const folder = out ?? `${study}-shards`;
    const files = await writeGrid(folder, task, shards);
    console.log(
      `${shards} parts of ${task}: ${files.join(" and ")} in ${folder} say how they start.`,
    );
    return;
  }
  if (model === undefined || out === undefined) {
    throw new Error(
      "Expected --model and --out, or --study and --shards, or --collect, but found none: see --help.",
    );
  }
  const command = ["deno task handover", ...Deno.args].join(" ");
  const chosen = armsNamed(names, model, rank === undefined ? undefined : lora({ rank }));
  const { runs } = await handOver(
    { ...options, model, out, arms: chosen, command },
    readSettings(),
  );
  const tuned = runs.filter(({ plan }) => plan !== null);
  console.log(plainText(
    `${tuned.length} trainings and ${runs.length - tuned.length} untuned runs in ${out}; ` +
      `${out}/README.md says how they are run.`,
  ));
});
