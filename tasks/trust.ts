/** `deno task trust`: damaged inputs for every reader, and kills at random moments, counted. */
import { Command, Option } from "commander";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { duration, statusLine, writeWhole } from "@implicit/notebook";
import { killWork, type ReaderFigures, readerNames, tryReader, workNames } from "implicit/testing";
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
const readers = chosen(readerNames), works = chosen(workNames);
const status = statusLine();
const started = performance.now();
const budget = minutes * 60_000;
const workers = Math.min(availableParallelism(), readers.length);
const share = budget * workers / Math.max(1, readers.length);

const tried: ReaderFigures[] = [];
let inputs = 0, next = 0;
await Promise.all(Array.from({ length: workers }, async () => {
  for (let i = next++; i < readers.length; i = next++) {
    const name = readers[i]!;
    const figures = await tryReader(name, {
      seed,
      until: performance.now() + share,
      onInput: () => {
        if (++inputs % 50 > 0) return;
        const left = Math.max(0, budget - (performance.now() - started)) / 1000;
        status.show(
          `${name} · ${inputs.toLocaleString("en")} inputs · about ${duration(left)} left`,
        );
      },
    });
    tried.push(figures);
    status.clear();
    for (const { kind, input, detail, count } of figures.faults) {
      console.log(`${name} ${seed} ${input}: ${count} × ${kind}: ${detail}`);
    }
  }
}));

const killed: TrustFigures["kills"][number][] = [];
for (const [i, name] of works.entries()) {
  const goal = Math.floor(kills * (i + 1) / works.length) - Math.floor(kills * i / works.length);
  const begun = performance.now();
  if (goal === 0) continue;
  const figures = await killWork(name, {
    seed,
    kills: goal,
    onKill: ({ kills: done }) => {
      const left = (performance.now() - begun) / 1000 / done * (goal - done);
      status.show(`${name} · kill ${done} of ${goal} · about ${duration(left)} left`);
    },
  });
  killed.push(figures);
  status.clear();
  for (const fault of figures.faults) console.log(`${name}: ${fault}`);
}

const figures: TrustFigures = {
  date: new Date().toISOString().slice(0, 10),
  processor: cpus()[0]?.model.trim() ?? "unknown",
  cores: availableParallelism(),
  seed,
  readers: tried.sort((a, b) =>
    readers.indexOf(a.reader as never) - readers.indexOf(b.reader as never)
  ),
  kills: killed,
};
if (!only) { // a part is no measure of the whole
  const path = join(projectRoot(), "data", "trust.json");
  await writeWhole(path, JSON.stringify(figures, null, 1) + "\n");
}
console.log(`${trustTable(figures)}\n\nDone in ${duration((performance.now() - started) / 1000)}.`);
const faults = [...tried, ...killed].reduce((sum, one) => sum + one.faults.length, 0);
Deno.exit(faults > 0 ? 1 : 0);
