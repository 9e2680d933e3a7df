/**
 * `deno task reproduce`: runs the notebooks in a real kernel, and writes the executed notebooks, one
 * page that holds them all, and their numbers.
 */
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import {
  type Cell,
  CellFailed,
  chooseNotebooks,
  dataFrame,
  duration,
  inkStyle,
  type KernelName,
  kernelNames,
  layOut,
  notebookNames,
  paceOf,
  plotlySource,
  prepareKernel,
  readNotebook,
  readNotebooks,
  renderMarkdown,
  renderReport,
  runNotebook,
  statusLine,
  tableHtml,
  tableText,
  writeNotebook,
  writeWhole,
} from "@implicit/notebook";
import { claimsTable, paperRows, paperTables, readResults, summaryRows } from "implicit/tasks";

const command = new Command("deno task reproduce")
  .description(
    "Run the notebooks from top to bottom and write OUT/index.html (one page), OUT/results.json\n" +
      "and the executed notebooks. Finished runs are kept: a second time takes seconds.",
  )
  .option("--only <list>", "notebooks by number or name, as in 01,04 (default: all)")
  .option("--seeds <n>", "seeds of each arm, 1 to 100", "3")
  .option("--kernel <name>", kernelNames.join(" or "), "deno")
  .option("--base <name>", "which base (default: the scale's first)")
  .option("--out <folder>", "where the report goes", "report")
  .option("--notebooks <folder>", "where the notebooks are", "notebooks")
  .option("--fresh", "ignore finished runs and compute everything again", false)
  .parse();

interface Options {
  only?: string;
  seeds: string;
  kernel: string;
  base?: string;
  out: string;
  notebooks: string;
  fresh: boolean;
}

const root = resolve(import.meta.dirname!, "..");
const cancel = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => cancel.abort(new Error("interrupted")));
}

try {
  await reproduce(command.opts<Options>());
} catch (error) {
  if (cancel.signal.aborted) {
    console.error("\nStopped. Finished runs are kept: the same command goes on from there.");
    process.exit(130);
  }
  console.error(`\n${(error as Error).message}`);
  process.exit(1);
}
process.exit(0);

async function reproduce(options: Options): Promise<void> {
  const source = resolve(root, options.notebooks);
  const out = resolve(options.out);
  const names = chooseNotebooks(await notebookNames(source), options.only);
  const seeds = Number(options.seeds);
  if (!Number.isInteger(seeds) || seeds < 1 || seeds > 100) {
    throw new Error(`Expected --seeds from 1 to 100 but found "${options.seeds}".`);
  }
  if (!kernelNames.includes(options.kernel as KernelName)) {
    throw new Error(`Expected --kernel ${kernelNames.join(" or ")} but found "${options.kernel}".`);
  }
  await makeFolder(out);
  const jsonl = join(out, "results.jsonl");
  if (options.only === undefined) await rm(jsonl, { force: true });

  const kernel = await prepareKernel(options.kernel as KernelName, root, console.log);
  const env = {
    ...kernel.env,
    IMPLICIT_SEEDS: String(seeds),
    IMPLICIT_OUT: out,
    ...(options.base ? { IMPLICIT_BASE: options.base } : {}),
    ...(options.fresh ? { IMPLICIT_FRESH: "1" } : {}),
  };
  const notebooks = await readNotebooks(source, names);
  const pace = paceOf(notebooks);
  const status = statusLine();
  const started = Date.now();

  for (const [name, notebook] of notebooks) {
    const begun = Date.now();
    const count = notebook.cells.length;
    let place = "";
    const say = (note: string) => {
      const left = pace.left();
      status.show(`${place} · ${left === null ? "" : `about ${duration(left)} left · `}${note}`);
    };
    const path = join(out, `${name}.ipynb`);
    try {
      await runNotebook(notebook, join(source, `${name}.ipynb`), {
        argv: kernel.argv,
        env,
        signal: cancel.signal,
        onCell: (_cell, index) => {
          pace.begin(name, index);
          place = `${name} · cell ${index + 1} of ${count}`;
          say("");
        },
        onOutput: (_cell, message) => {
          const metadata = message.content.metadata as { progress?: unknown } | undefined;
          const data = message.content.data as Record<string, unknown> | undefined;
          if (metadata?.progress) say(String(data?.["text/plain"]));
        },
      });
    } catch (error) {
      status.clear();
      if (error instanceof CellFailed) {
        await writeNotebook(path, notebook);
        await writeReport(out);
        throw new Error(failure(name, notebook.cells, error, relative(process.cwd(), out)));
      }
      throw error;
    }
    await writeNotebook(path, notebook);
    status.clear();
    console.log(`${name}: ${duration((Date.now() - begun) / 1000)}`);
  }

  await writeReport(out);
  const seconds = Math.round((Date.now() - started) / 1000);
  const cost = {
    command: commandOf(options),
    notebooks: names.length,
    seeds,
    seconds,
    fresh: options.fresh,
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    date: new Date(started).toISOString().slice(0, 10),
  };
  await writeWhole(join(out, "cost.json"), JSON.stringify(cost, null, 1) + "\n");
  console.log(
    `\nDone in ${duration(seconds)}. ` +
      `Open ${relative(process.cwd(), join(out, "index.html"))}`,
  );
}

/** The command without where its report went. */
function commandOf({ only, seeds, base, kernel, fresh }: Options): string {
  const given = { only, seeds, base, kernel: kernel === "deno" ? undefined : kernel };
  const parts = Object.entries(given).flatMap(([name, value]) =>
    value ? [`--${name} ${value}`] : []
  );
  return ["reproduce", ...parts, ...(fresh ? ["--fresh"] : [])].join(" ");
}

/** Writes results.json and index.html from whatever the folder holds by now. */
async function writeReport(out: string): Promise<void> {
  const results = await readResults(join(out, "results.jsonl"));
  await writeWhole(join(out, "results.json"), JSON.stringify(results, null, 1) + "\n");
  let lead = `<p>No results yet.</p>`;
  if (results.length > 0) {
    const table = layOut(await dataFrame(summaryRows(results)), { caption: "Results" });
    const tables = paperTables(results, await paperRows());
    lead = renderMarkdown(`${tables}\n\nWhat the paper found:\n\n${claimsTable(results)}`) +
      `<details><summary>every number</summary><div class="box">${
        tableHtml(table)
      }</div></details>`;
    console.log(`\n${tableText(table)}`);
  }
  const sections = [];
  for (const name of await notebookNames(out)) {
    sections.push({ name, notebook: await readNotebook(join(out, `${name}.ipynb`)) });
  }
  const page = renderReport(sections, {
    title: "Instruction following without instruction tuning",
    lead,
    plotly: await plotlySource(),
    head: inkStyle,
  });
  await writeWhole(join(out, "index.html"), page);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeWhole(join(folder, ".writable"), "");
    await rm(join(folder, ".writable"));
  } catch (error) {
    throw new Error(
      `Expected to write into ${folder} but found ${(error as Error).message}. ` +
        `Choose another folder with --out.`,
    );
  }
}

function failure(name: string, cells: readonly Cell[], error: CellFailed, out: string): string {
  const lines = error.source.split("\n");
  const excerpt = lines.slice(0, 8).map((line) => `  │ ${line}`);
  if (lines.length > 8) excerpt.push(`  │ … ${lines.length - 8} more lines`);
  const kept = existsSync(out) ? `\nThe notebooks so far are in ${out}.` : "";
  return `Notebook "${name}" failed in cell ${error.number} of ${cells.length}:\n` +
    `${excerpt.join("\n")}\n${error.reason.trim()}${kept}`;
}
