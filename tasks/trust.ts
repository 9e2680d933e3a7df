/** `deno task trust`: damaged inputs for every reader, and kills at random moments, counted. */
import { Command, Option } from "commander";
import { join } from "node:path";
import { duration, statusLine, writeWhole } from "@implicit/notebook";
import { campaign, readerNames, workNames } from "implicit/testing";
import { projectRoot, trustTable } from "implicit/tasks";
import { number, several, whole } from "./arguments.ts";

const { minutes, seed, only, kills, resume, atOnce } = new Command("deno task trust")
  .description(
    "Give damaged inputs to everything that reads files or answers, kill work at random moments,\n" +
      "and write what happened to data/trust.json once nothing was left out. The same seed makes the same inputs.\n" +
      `Readers: ${readerNames.join(", ")}.\nKilled: ${workNames.join(", ")}.`,
  )
  .option("--minutes <n>", "how long to try inputs", number, 10)
  .option("--seed <n>", "which inputs and moments", whole(), 1)
  .addOption(
    new Option("--only <readers>", "these readers or kinds of work alone, separated by commas")
      .argParser(several([...readerNames, ...workNames])),
  )
  .option("--kills <n>", "how many kills in all", whole(), 200)
  .option("--at-once <n>", "how many readers at once (default: as there are cores)", whole(1))
  .option(
    "--resume",
    "count on what this seed has found, however it ended; try again what was a fault",
  )
  .parse()
  .opts<
    {
      minutes: number;
      seed: number;
      only?: string[];
      kills: number;
      resume?: boolean;
      atOnce?: number;
    }
  >();

const chosen = <T extends string>(names: readonly T[]) =>
  names.filter((name) => only?.includes(name) ?? true);
const status = statusLine();
const started = performance.now();
const figures = await campaign({
  seed,
  minutes,
  readers: chosen(readerNames),
  works: kills > 0 ? chosen(workNames) : [],
  kills: Math.ceil(kills / workNames.length),
  path: join(projectRoot(), ".cache", "trust", `${seed}.json`),
  resume,
  atOnce,
  onStatus: (text, seconds) => status.show(`${text} · about ${duration(seconds)} left`),
});
status.clear();
for (const { reader, faults } of figures.readers) {
  for (const { kind, inputs, detail, count } of faults) {
    console.log(`${reader} ${seed} ${inputs[0]}: ${count} × ${kind}: ${detail}`);
  }
}
for (const { work, faults } of figures.kills) {
  for (const fault of faults) console.log(`${work}: ${fault}`);
}
const found = new Set([
  ...figures.readers.map((one) => one.reader),
  ...figures.kills.map((one) => one.work),
]);
if ([...readerNames, ...workNames].every((name) => found.has(name))) { // a part is no measure of the whole
  const path = join(projectRoot(), "data", "trust.json");
  await writeWhole(path, JSON.stringify(figures, null, 1) + "\n");
}
console.log(`${trustTable(figures)}\n\nDone in ${duration((performance.now() - started) / 1000)}.`);
Deno.exit([...figures.readers, ...figures.kills].some(({ faults }) => faults.length > 0) ? 1 : 0);
