/** `deno task trust`: damaged inputs for every reader, and kills at random moments, counted. */
import { Command, Option } from "commander";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { duration, statusLine, writeWhole } from "@implicit/notebook";
import { killWork, readerNames, tryReader, workNames } from "implicit/testing";
import { projectRoot, type TrustFigures, trustTable } from "implicit/tasks";
import { number, several, whole } from "./arguments.ts";

const { minutes, seed, only, kills } = new Command("deno task trust")
  .description(
    "Give damaged inputs to everything that reads files or answers, kill work at random moments,\n" +
      "and write what happened to data/trust.json (a part, --only, is printed alone). The same seed makes the same inputs.\n" +
      `Readers: ${readerNames.join(", ")}.\nKilled: ${workNames.join(", ")}.`,
  )
  .option("--minutes <n>", "how long to try inputs", number, 10)
  .option("--seed <n>", "which inputs and moments", whole(), 1)
  .addOption(
    new Option("--only <readers>", "these readers or kinds of work alone, separated by commas")
      .argParser(several([...readerNames, ...workNames])),
  )
  .option("--kills <n>", "how many kills in all", whole(), 200)
  .parse()
  .opts<{ minutes: number; seed: number; only?: string[]; kills: number }>();

const chosen = <T extends string>(names: readonly T[]) =>
  names.filter((name) => only?.includes(name) ?? true);
const readers = chosen(readerNames), works = kills > 0 ? chosen(workNames) : [];
const status = statusLine();
const say = (text: string) => {
  status.clear();
  console.log(text);
};
const started = performance.now();
const cores = availableParallelism();
const budget = minutes * 60_000;
const share = budget * Math.min(1, cores / readers.length); // of each reader

let inputs = 0;
const tried = await sideBySide(readers, async (name) => {
  const onInput = () => {
    if (++inputs % 50 > 0) return;
    const left = duration(Math.max(0, budget - (performance.now() - started)) / 1000);
    status.show(`${name} · ${inputs.toLocaleString("en")} inputs · about ${left} left`);
  };
  const figures = await tryReader(name, { seed, until: performance.now() + share, onInput });
  for (const { kind, input, detail, count } of figures.faults) {
    say(`${name} ${seed} ${input}: ${count} × ${kind}: ${detail}`);
  }
  return figures;
});

const begun = performance.now();
let killed = 0;
const killings = await sideBySide(works, async (name) => {
  const figures = await killWork(name, {
    seed,
    kills: Math.ceil(kills / works.length),
    onKill() {
      const left = (performance.now() - begun) / 1000 / ++killed * Math.max(0, kills - killed);
      status.show(`${name} · kill ${killed} of ${kills} · about ${duration(left)} left`);
    },
  });
  for (const fault of figures.faults) say(`${name}: ${fault}`);
  return figures;
});

const figures: TrustFigures = {
  date: new Date().toISOString().slice(0, 10),
  processor: cpus()[0]?.model.trim() ?? "unknown",
  cores,
  seed,
  readers: tried,
  kills: killings,
};
if (!only) { // a part is no measure of the whole
  const path = join(projectRoot(), "data", "trust.json");
  await writeWhole(path, JSON.stringify(figures, null, 1) + "\n");
}
say(`${trustTable(figures)}\n\nDone in ${duration((performance.now() - started) / 1000)}.`);
Deno.exit([...tried, ...killings].some(({ faults }) => faults.length > 0) ? 1 : 0);

/** The results of work on each item, as many at once as there are cores. */
async function sideBySide<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i]!);
  };
  await Promise.all(Array.from({ length: cores }, worker));
  return results;
}
