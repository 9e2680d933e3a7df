/**
 * `deno task browser`: looks at the notebooks in a real JupyterLab in a real browser.
 */
import { existsSync, globSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import {
  chooseNotebooks,
  duration,
  type KernelName,
  kernelNames,
  notebookNames,
  readNotebooks,
} from "@implicit/notebook";
import {
  browse,
  ctrlC,
  type Life,
  live,
  lookAtPages,
  type Theme,
  themes,
} from "@implicit/notebook/testing";
import { drivePage } from "@implicit/web/testing";
import { orSayWhy, several, whole } from "./arguments.ts";

const usual = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const themeNames = Object.keys(themes) as Theme[];
const options = new Command("deno task browser")
  .description(
    "Open every notebook in JupyterLab in Chromium, run it in both kernels, check that there is no\n" +
      "error and that figures come alive, and take pictures in both themes. Then stop a cell, run\n" +
      "cells again, reload, and end JupyterLab with Ctrl-C. With --report, look at finished pages\n" +
      "instead, on a desk and on a phone. Needs JupyterLab (environment.yml; not for pages) and a\n" +
      "Chromium; fetches playwright-core the first time.",
  )
  .option("--only <list>", "notebooks by number or name, as in 01,04 (default: all)")
  .option("--kernel <list>", "kernels, separated by commas", several(kernelNames), [...kernelNames])
  .option("--theme <list>", "themes, separated by commas", several(themeNames), themeNames)
  .option("--seeds <n>", "seeds of each arm", "1")
  .option("--out <folder>", "where the pictures go", "report/pictures")
  .option("--notebooks <folder>", "where the notebooks are", "notebooks")
  .option("--life", "no notebook: only stop, run again, reload and end", false)
  .option("--report <path>", "no notebook: a page of the report, or a folder of the site's")
  .option("--page", "no notebook: the laboratory that `deno task page` has built", false)
  .option("--steps <n>", "with --page: steps of its tuning", whole(4), 12)
  .option("--chromium <path>", "the browser's program", process.env.CHROMIUM)
  .parse()
  .opts<{
    only?: string;
    kernel: KernelName[];
    theme: Theme[];
    seeds: string;
    out: string;
    notebooks: string;
    life: boolean;
    report?: string;
    page: boolean;
    steps: number;
    chromium?: string;
  }>();

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

await orSayWhy(async () => {
  const root = resolve(import.meta.dirname!, "..");
  const chromium = options.chromium ?? usual.find((path) => existsSync(path));
  if (!chromium || !existsSync(chromium)) {
    throw new Error(
      `Expected a Chromium but found none${chromium ? ` at ${chromium}` : ""}: install one ` +
        `(apt-get install chromium) or give its path with --chromium.`,
    );
  }
  const folder = resolve(root, options.notebooks);
  const out = resolve(options.out);
  await mkdir(out, { recursive: true });
  if (options.report !== undefined) {
    process.exit(await pagesAreSound(resolve(options.report), { chromium, out }) ? 0 : 1);
  }
  if (options.page) {
    const lab = resolve(root, "report", "lab");
    const how = { chromium, out, steps: options.steps, manners: true };
    const { faults, ...seen } = await drivePage(lab, how);
    console.log(seen);
    faults.forEach((fault) => console.log(`BAD  ${fault}`));
    process.exit(faults.length > 0 ? 1 : 0);
  }
  const names = options.life ? [] : chooseNotebooks(await notebookNames(folder), options.only);
  const sightings = names.length === 0
    ? []
    : await browse(root, await readNotebooks(folder, names), {
      kernels: options.kernel,
      themes: options.theme,
      out,
      chromium,
      env: { IMPLICIT_SEEDS: options.seeds },
      onSighting: ({ notebook, kernel, seconds, faults, figures, moves }) => {
        console.log(
          `${faults.length === 0 ? "ok  " : "BAD "} ${notebook} in ${kernel}: ` +
            `${duration(seconds)}, ${figures} figures alive, bars seen in ${moves} states`,
        );
        faults.forEach((fault) => console.log(`     ${fault}`));
      },
    });
  if (names.length > 0) console.log(`Pictures: ${relative(process.cwd(), out)}`);
  let faulty = sightings.some(({ faults }) => faults.length > 0);
  const tell = ({ what, faults }: Life) => {
    faulty ||= faults.length > 0;
    console.log(`${faults.length === 0 ? "ok  " : "BAD "} ${what}`);
    faults.forEach((fault) => console.log(`     ${fault}`));
  };
  for await (const life of live(root, { kernels: options.kernel, chromium })) tell(life);
  tell(await ctrlC(root, options.kernel));
  process.exit(faulty ? 1 : 0);
});

/** Looks at a page, or at every page of a folder, and says what is wrong. */
async function pagesAreSound(path: string, how: { chromium: string; out: string }) {
  const paths = statSync(path).isDirectory()
    ? globSync("*.html", { cwd: path }).sort().map((name) => join(path, name))
    : [path];
  let sound = true;
  for await (const { page, width, theme, figures, faults } of lookAtPages(paths, how)) {
    const verdict = faults.length === 0 ? "ok  " : "BAD ";
    console.log(`${verdict} ${page}, ${width} pixels, ${theme}: ${figures} figures alive`);
    faults.forEach((fault) => console.log(`     ${fault}`));
    sound &&= faults.length === 0;
  }
  console.log(`Pictures: ${relative(process.cwd(), how.out)}`);
  return sound;
}
