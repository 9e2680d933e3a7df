/** `deno task page`: builds the laboratory in a browser tab into report/lab. */
import { copyFile, mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { arms, openStudy, projectRoot } from "implicit/tasks";
import { writeWhole } from "@implicit/notebook";
import { buildPage } from "@implicit/web";
import { measurePage } from "@implicit/web/testing";
import { orSayWhy } from "./arguments.ts";

const options = new Command("deno task page")
  .description(
    "Build the paper in a browser tab: a static folder that any host serves, and one HTML file.\n" +
      "Fetches two files of the npm package onnxruntime-web the first time.",
  )
  .option("--out <folder>", "where the page goes", join(projectRoot(), "report", "lab"))
  .option("--measure", "drive it in a browser too, and keep the figures in data/page.json", false)
  .option("--chromium <path>", "the browser's program", process.env.CHROMIUM ?? "/usr/bin/chromium")
  .parse(Deno.args, { from: "user" })
  .opts<{ out: string; measure: boolean; chromium: string }>();

await orSayWhy(async () => {
  const study = await openStudy({ scale: "miniature", seeds: 3, split: "validation" });
  const references = await study.runs([arms.instructionTuning]);
  const weights = await buildPage(projectRoot(), options.out, references);
  const kilobytes = (bytes: number) => `${(bytes / 1e3).toFixed(0).padStart(7)} kB`;
  for (const { name, bytes, gzip } of weights) {
    console.log(`${kilobytes(bytes)} ${kilobytes(gzip)} gzip  ${name}`);
  }
  const folder = weights.slice(0, -1).reduce((sum, { gzip }) => sum + gzip, 0);
  console.log(`${relative(Deno.cwd(), options.out)}: ${(folder / 1e6).toFixed(2)} MB gzip`);
  if (!options.measure) return;
  const pictures = join(projectRoot(), "report", "pictures");
  await mkdir(pictures, { recursive: true });
  const given = { chromium: options.chromium, out: pictures };
  const figures = await measurePage(options.out, weights, given);
  await copyFile(join(pictures, "page 2 rules.png"), join(projectRoot(), "data", "page.png"));
  await writeWhole(
    join(projectRoot(), "data", "page.json"),
    `${JSON.stringify(figures, null, 2)}\n`,
  );
  console.log(figures);
  process.exit(0); // the worker's pool would stay
});
