/** `deno task site`: writes the course with its outputs as pages that any static host serves. */
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { writeSite } from "@implicit/notebook";
import { type Cost, projectRoot, type ResultRow } from "implicit/tasks";
import { orSayWhy } from "./arguments.ts";
import { courseChapters, frontOf, LAB } from "./front.ts";

const options = new Command("deno task site")
  .description(
    "Write a front page and a page for each notebook, with outputs and figures, into a folder that\n" +
      "any static host serves: the committed notebooks and data/results.json, or a reproduction's.",
  )
  .option("--from <folder>", "what `reproduce` wrote (default: what is committed)")
  .option("--out <folder>", "where the pages go", "report/site")
  .parse()
  .opts<{ from?: string; out: string }>();

await orSayWhy(async () => {
  const out = resolve(options.out);
  const { folder, rows, costs } = options.from === undefined
    ? await committed()
    : await reproduced(resolve(options.from));
  const date = costs.map((cost) => cost.date).sort().at(-1)!;
  const form = "Every notebook is a page with its outputs.";
  const built = join(projectRoot(), "report", LAB);
  const lab = existsSync(built) ? basename(LAB) : null;
  await mkdir(out, { recursive: true });
  if (lab) await copyFile(built, join(out, lab));
  const sizes = await writeSite(
    out,
    await frontOf(rows, { date, form, lab }),
    await courseChapters(folder, rows, date),
  );
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const [name, largest] = [...sizes].sort(([, a], [, b]) => b - a)[0]!;
  const mega = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  console.log(
    `From ${relative(process.cwd(), folder) || "."}: ${sizes.size} files, ${mega(total)}, the ` +
      `largest ${name} with ${mega(largest)}. Open ${
        relative(process.cwd(), join(out, "index.html"))
      }`,
  );
});

interface Source {
  /** Where the executed notebooks are. */
  readonly folder: string;
  readonly rows: readonly ResultRow[];
  readonly costs: readonly Cost[];
}

async function committed(): Promise<Source> {
  const results = await read<Omit<Source, "folder">>(join(projectRoot(), "data", "results.json"));
  return { folder: join(projectRoot(), "notebooks"), ...results };
}

async function reproduced(folder: string): Promise<Source> {
  const [results, cost] = ["results.json", "cost.json"].map((name) => join(folder, name));
  if (!existsSync(results!) || !existsSync(cost!)) {
    throw new Error(
      `Expected results.json and cost.json in ${folder}: run \`reproduce\` to its end.`,
    );
  }
  return { folder, rows: await read(results!), costs: [await read(cost!)] };
}

async function read<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, "utf8"));
}
