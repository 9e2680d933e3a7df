/**
 * Builds the page: a static folder, and the same as one HTML file.
 *
 * Knows which files the page wants; not what it does with them.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundleScripts } from "./bundle.ts";

export { type PageFigures, pageProvenance, pageTable } from "./figures.ts";

/** The base's files, and the paper's numbers. */
const DATA = [
  ...["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
  "training.json",
].map((name) => `data/world/base-1/${name}`).concat("data/paper.json");

/** The page as one file: opens from disk, and in a frame. */
export const SINGLE = "lab.html";

/** A file of the page, and what it weighs, in bytes. */
export interface Weight {
  readonly name: string;
  readonly bytes: number;
  readonly gzip: number;
}

/**
 * Writes the page to `out`, which is emptied first.
 *
 * @param root the project's folder
 * @param references runs of instruction tuning, one a seed, on the validation instructions
 * @returns what its files weigh; the one HTML file last
 * @example await buildPage(root, "report/lab", await study.runs([arms.instructionTuning]));
 */
export async function buildPage(
  root: string,
  out: string,
  references: readonly unknown[],
): Promise<Weight[]> {
  const { scripts, wasm } = await bundleScripts(root, join(root, ".cache", "page"));
  const data = await Promise.all(
    DATA.map(async (name) => [name, await readFile(join(root, name))] as const),
  );
  const files: Record<string, Uint8Array> = {
    "ort.wasm": wasm,
    "session.js": new TextEncoder().encode(scripts["session.js"]),
    "deno.json": new TextEncoder().encode("{}"), // by which the library knows the project's folder
    "data/references.json": new TextEncoder().encode(JSON.stringify(references)),
    ...Object.fromEntries(data),
  };
  const template = await readFile(join(root, "web", "index.html"), "utf8");
  const style = await readFile(join(root, "web", "style.css"), "utf8");
  const html = template.replace("/* style */", () => style)
    .replace("/* page */", () => inScript(scripts["page.js"]));
  const worker = new TextEncoder().encode(scripts["worker.js"]);
  const packed = Object.entries({ "worker.js": worker, ...files }).map(([name, bytes]) =>
    `<script type="application/gzip" data-name="${name}">` +
    `${gzipSync(bytes, { level: 9 }).toString("base64")}</script>`
  );
  const written: Record<string, Uint8Array | string> = {
    "index.html": html,
    "worker.js": worker,
    "files.json": JSON.stringify({ names: Object.keys(files) }),
    ...files,
    [SINGLE]: html.replace("<!-- assets -->", () => packed.join("\n")),
  };
  await rm(out, { recursive: true, force: true });
  const weights: Weight[] = [];
  for (const [name, content] of Object.entries(written)) {
    const path = join(out, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    const gzip = gzipSync(content, { level: 9 }).length;
    weights.push({ name, bytes: new Blob([content as BlobPart]).size, gzip });
  }
  return weights;
}

/** A script's text as it may stand in a page. */
const inScript = (source: string) => source.replaceAll("</script", "<\\/script");
