/**
 * `deno task reproduce`: runs the notebooks in a real kernel, and writes the executed notebooks, one
 * page that holds them all, and their numbers.
 */
import { existsSync, statSync } from "node:fs";
import { access, constants, mkdir, readFile, rm } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { Command, Option } from "commander";
import {
  type CellFailed,
  chooseNotebooks,
  committedCourse,
  duration,
  type KernelName,
  kernelNames,
  layOut,
  notebookNames,
  plainText,
  prepareKernel,
  runNotebooks,
  statusLine,
  tableText,
  writeReport,
  writeWhole,
} from "@implicit/notebook";
import {
  checkRows,
  checkSentences,
  committedRows,
  type Cost,
  openScale,
  readResults,
  readSettings,
  shardOf,
  summaryRows,
} from "implicit/tasks";
import { checkedBy, whole } from "./arguments.ts";
import { finishedNotebooks } from "./finished.ts";
import { courseChapters, frontOf, LAB } from "./front.ts";

const options = new Command("deno task reproduce")
  .description(
    "Run the notebooks from top to bottom and write OUT/index.html (one page), OUT/results.json\n" +
      "and the executed notebooks. Finished runs are kept: a second time takes seconds, and\n" +
      "notebooks that have finished before go side by side, one on a core.",
  )
  .option("--only <list>", "notebooks by number or name, as in 01,04 (default: all)")
  .option("--seeds <n>", "seeds of each arm, 1 to 100", whole(1, 100), 3)
  .addOption(new Option("--kernel <name>").choices(kernelNames).default("deno"))
  .option("--base <name>", "which base (default: the scale's first), or all of them, one by one")
  .option("--out <folder>", "where the report goes", "report")
  .addOption(
    new Option("--shard <i/n>", "compute one of n parts, and write no report: see the README")
      .argParser(checkedBy(shardOf)).conflicts("check"),
  )
  .option("--notebooks <folder>", "other notebooks than the committed ones")
  .option("--fresh", "ignore finished runs and compute everything again", false)
  .option(
    "--check",
    "compare with data/results.json; exit code 1 where a number left its interval",
    false,
  )
  .parse()
  .opts<{
    only?: string;
    seeds: number;
    kernel: KernelName;
    base?: string;
    out: string;
    shard?: string;
    notebooks?: string;
    fresh: boolean;
    check: boolean;
  }>();
const { only, seeds, base, fresh, shard } = options;
const root = resolve(import.meta.dirname!, "..");
const place = resolve(root, options.notebooks ?? "notebooks");
const out = join(resolve(options.out), shard ? `shard-${shard.replace("/", "-of-")}` : "");
const lines = join(out, "results.jsonl"); // where the notebooks append their results
const cancel = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => cancel.abort(new Error("interrupted")));
}
const status = statusLine();
/** Notebooks side by side: each is a kernel with its own copy of the library and the base. */
const MOST = 4;

try {
  const { folder: source, note } = options.notebooks === undefined
    ? await committedCourse(place, join(root, ".cache", "course"))
    : { folder: place, note: null };
  if (note) console.log(plainText(note));
  const names = chooseNotebooks(await notebookNames(source), only);
  await mkdir(out, { recursive: true }).then(() => access(out, constants.W_OK))
    .catch(({ message }) => {
      throw new Error(`Expected to write into ${out} but found ${message}: give another --out.`);
    });
  if (only === undefined) await rm(lines, { force: true });
  const before = existsSync(lines) ? statSync(lines).size : 0;
  const { argv, env } = await prepareKernel(options.kernel, root, console.log);
  const started = Date.now();
  const settings = {
    IMPLICIT_SEEDS: String(seeds),
    ...(shard ? { IMPLICIT_SHARD: shard } : { IMPLICIT_OUT: out }),
    ...(fresh ? { IMPLICIT_FRESH: "1" } : {}),
  };
  const bases = base === "all" ? (await openScale("miniature")).bases : [base];
  const cold = fresh || !existsSync(join(readSettings().cache, "runs"));
  const each: Record<string, number> = {}; // of the first base, which shows the whole course
  let ran = 0, waiting = 0;
  try {
    for (const [i, name] of bases.entries()) {
      // The first base shows the whole course; the others only what adds to the numbers.
      const part = i === 0 ? names : await recording(source, names);
      const about = bases.length > 1 ? `${name}: ` : "";
      const finished = finishedNotebooks(source, readSettings().cache, root, { seeds, base: name });
      const known = await Promise.all(part.map(finished.has));
      const atOnce = fresh || !known.every(Boolean) ? 1 : Math.min(MOST, availableParallelism());
      await runNotebooks(source, part, {
        argv,
        env: { ...env, ...settings, ...(name ? { IMPLICIT_BASE: name } : {}) },
        cwd: place,
        atOnce,
        out: i === 0 ? out : join(out, name!),
        signal: cancel.signal,
        onFailed: shard === undefined ? undefined : letWait(() => waiting++),
        onStatus: (line) => status.show(about + line),
        async onFinished(notebook, seconds) {
          if (waiting === 0) await finished.add(notebook);
          status.clear();
          console.log(`${about}${notebook}: ${duration(seconds)}`);
          if (i === 0) each[notebook] = Math.round(seconds);
        },
      });
      ran += part.length;
    }
  } finally {
    if (!cancel.signal.aborted && !shard) await report();
  }
  if (shard) {
    console.log(
      `\nShard ${shard} is done in ${duration((Date.now() - started) / 1000)}; ${waiting} cells ` +
        `wait for others. Copy what all have kept into one ${readSettings().cache}, and run the ` +
        `same command there without --shard.`,
    );
    process.exit(0);
  }
  const cost: Cost = {
    command: ["reproduce", ...given()].join(" "),
    notebooks: ran,
    seeds,
    seconds: Math.round((Date.now() - started) / 1000),
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    date: new Date(started).toISOString().slice(0, 10),
    cold,
    each,
  };
  await writeWhole(join(out, "cost.json"), JSON.stringify(cost, null, 1) + "\n");
  const page = relative(process.cwd(), join(out, "index.html"));
  console.log(`\nDone in ${duration(cost.seconds)}. Open ${page}`);
  process.exit(options.check && !await check(before) ? 1 : 0);
} catch (error) {
  if (cancel.signal.aborted) {
    console.error("\nStopped. Finished runs are kept: the same command goes on from there.");
    process.exit(130);
  }
  console.error(`\n${plainText((error as Error).message)}`);
  process.exit(1);
}

/** Lets the cells of a shard fail that other shards' runs are needed for, and counts them. */
function letWait(count: () => void): (failed: CellFailed) => boolean {
  let lacking = false;
  return ({ reason }) => {
    const isElsewhere = /\bshard \d+\/\d+: /.test(reason);
    lacking ||= isElsewhere;
    // After the first of them others lack the names that it would have made.
    const waits = isElsewhere || (lacking && /ReferenceError|TypeError/.test(reason));
    if (waits) count();
    return waits;
  };
}

/** Those of the notebooks that record results. */
async function recording(source: string, names: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(
    names.map((name) => readFile(join(source, `${name}.ipynb`), "utf8")),
  );
  return names.filter((_, i) => texts[i]!.includes("await record("));
}

/** Writes results.json and index.html from whatever the folder holds by now. */
async function report(): Promise<void> {
  status.clear();
  const results = await readResults(lines);
  await writeWhole(join(out, "results.json"), JSON.stringify(results, null, 1) + "\n");
  const table = results.length === 0
    ? undefined
    : await layOut(summaryRows(results), { caption: "Results" });
  const date = new Date().toISOString().slice(0, 10);
  const form = "Everything is in this one file, which needs no network.";
  await writeReport(
    out,
    await frontOf(results, { date, form, lab: existsSync(join(out, LAB)) ? LAB : null }),
    await courseChapters(out, results, date),
  );
  if (table) console.log(`\n${tableText(table)}`);
}

/** Compares what was appended since with what is committed, says it, and whether it holds. */
async function check(since: number): Promise<boolean> {
  const result = checkRows(await readResults(lines, since), await committedRows());
  await writeWhole(join(out, "check.json"), JSON.stringify(result, null, 1) + "\n");
  const shown = result.rows.slice(0, 40);
  const more = result.rows.length - shown.length;
  if (shown.length > 0) {
    const caption = `Committed and fresh, what moved first${more > 0 ? `; ${more} more rows` : ""}`;
    console.log(`\n${tableText(await layOut(shown, { caption, digits: 2 }))}`);
  }
  console.log(`\n${checkSentences(result)}\nAll rows: ${join(out, "check.json")}`);
  return result.holds;
}

/** The options that were given, without where the report went. */
function given(): string[] {
  const kernel = options.kernel === "deno" ? undefined : options.kernel;
  return [
    ...Object.entries({ only, seeds, base, kernel })
      .flatMap(([name, value]) => value === undefined ? [] : [`--${name} ${value}`]),
    ...(fresh ? ["--fresh"] : []),
  ];
}
