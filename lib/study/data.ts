/**
 * The paper's data sets as an experiment asks for them: which file or repository each is read from.
 * Each is read once. Does NOT know what a row means (lib/hub) nor what is done with the examples.
 */
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import process from "node:process";
import {
  dataEnding,
  type Dataset,
  type DatasetSource,
  type HubOptions,
  type Instruction,
  loadDataset,
  readRows,
  type SingleTaskSource,
  sources,
} from "@implicit/hub";
import { progress } from "@implicit/notebook";
import { projectRoot } from "./settings.ts";

/** The data sets of one experiment. */
export interface ExperimentData {
  /** Instructions and responses of all kinds: what instruction and response tuning train on. */
  general(): Promise<Dataset>;
  /** The general set with responses that do not restate the instruction (App. C). */
  notRestating(): Promise<Dataset>;
  task(task: SingleTaskSource): Promise<Dataset>;
  prompts(split: "validation" | "test"): Promise<Dataset<Instruction>>;
  /** Alpaca: the instructions and responses that are ranked (§4.2). */
  ranking(): Promise<Dataset>;
}

/**
 * The data sets that `choice` stands for:
 * - `lima` (as in the paper; gated) or `alpaca`: from the hub, everything else too;
 * - a file with LIMA's or Alpaca's columns, or with conversations as `messages`: its rows are the general set, the rest from the hub;
 * - a folder: each data set that has a file there, named after it or in a folder of its name
 *   (`gsm8k.jsonl`, `gsm8k/train.jsonl`; lima or alpaca, lima_rephrased, gsm8k, mbpp, poetry,
 *   recipes, chess, alpaca_eval, validation), is read from it, the others from the hub.
 *
 * @param choice default: IMPLICIT_DATA, else "lima"
 * @throws if it is none of these.
 * @example
 * ```ts
 * const data = experimentData("alpaca");
 * console.log((await data.general()).items.length);
 * ```
 */
export function experimentData(
  choice: string = process.env.IMPLICIT_DATA || "lima",
  options: HubOptions = {},
): ExperimentData {
  const path = choice === "lima" || choice === "alpaca" ? null : localPath(choice);
  if (path === null && choice !== "lima" && choice !== "alpaca") {
    throw new Error(
      `Expected "lima", "alpaca", or a file or folder of data, but found "${choice}": check that ` +
        "the path exists (it is sought from the working folder and from the project's).",
    );
  }
  const isFolder = path !== null && statSync(path).isDirectory();
  const known = new Map<string, Promise<Dataset<unknown>>>();
  const once = <T>(name: string, load: () => Promise<Dataset<T>>) => {
    if (!known.has(name)) known.set(name, load());
    return known.get(name)! as Promise<Dataset<T>>;
  };
  const local = (name: string) => isFolder ? fileOf(path, name) : Promise.resolve(null);
  /** From a local file in the first of the shapes that it has; else the last of them, of the hub. */
  const read = async <T>(name: string, shapes: readonly DatasetSource<T>[], more = "") => {
    const file = await local(name);
    if (file !== null) return await loadDataset(await shapeOf(file, shapes), { path: file });
    const folder = isFolder ? choice : "a folder and name the folder in IMPLICIT_DATA";
    return await fromHub(shapes.at(-1)!, options, `Or put ${name}.jsonl into ${folder}${more}.`);
  };
  const { lima, limaNoRephrase, messages, alpaca, alpacaInTemplates } = sources;
  const ranking = () => once("alpaca", () => read("alpaca", [alpacaInTemplates, alpaca]));
  const conversations = [lima, messages, alpaca];

  return {
    general: () =>
      once("general", async () => {
        if (path !== null && !isFolder) { // the reader's own: it is read whole
          const file = relative(process.cwd(), path);
          return await loadDataset(await shapeOf(file, conversations), {
            path: file,
            take: Infinity,
          });
        }
        if (await local("lima") !== null) return await read("lima", conversations);
        return choice === "alpaca" || await local("alpaca") !== null
          ? await ranking()
          : await read("lima", [lima], ", or tune on Alpaca instead: IMPLICIT_DATA=alpaca");
      }),
    ranking,
    notRestating: () => once("lima_rephrased", () => read("lima_rephrased", [limaNoRephrase])),
    task: ({ source, localShapes = [] }) =>
      once(source.name, () => read(source.name, [...localShapes, source])),
    prompts: (split) =>
      split === "test"
        ? once(split, () => read("alpaca_eval", [sources.alpacaEval]))
        : once(split, () => read("validation", [sources.validation])),
  };
}

/**
 * A path given by the reader, sought from the working folder (a notebook's) and from the project's;
 * null where there is nothing.
 */
export function localPath(path: string): string | null {
  const places = [resolve(path), resolve(projectRoot(), path)];
  return places.find((place) => existsSync(place)) ?? null;
}

/** Shows a progress bar while `work` downloads something; none where nothing had to be fetched. */
export async function showDownload<T>(
  label: string,
  work: (onProgress: HubOptions["onProgress"]) => Promise<T>,
): Promise<T> {
  let bar: ReturnType<typeof progress> | undefined;
  const result = await work(({ file, bytes, total }) => {
    bar ??= progress(`${label} (MB)`, Math.ceil(total / 1e6));
    bar.update(bytes / 1e6, `${file}, ${(bytes / 1e6).toFixed(0)} MB`);
  });
  await bar?.done();
  return result;
}

async function fromHub<T>(
  source: DatasetSource<T>,
  options: HubOptions,
  advice: string,
): Promise<Dataset<T>> {
  try {
    return await showDownload(
      source.name,
      (onProgress) => loadDataset(source, { ...options, onProgress }),
    );
  } catch (cause) {
    throw new Error([(cause as Error).message, advice].filter(Boolean).join(" "), { cause });
  }
}

/** Where AlpacaEval's instructions lie in a folder of its results: with the baseline's outputs. */
const PREFERRED = /^(alpaca_eval|gpt4_1106_preview\.model_outputs)\.json/;

/** The data file for `name` in a folder, relative to the working folder; null if there is none. */
async function fileOf(folder: string, name: string): Promise<string | null> {
  const isData = (file: string) => dataEnding.test(file);
  const beside = (await readdir(folder)).filter((file) =>
    isData(file) && file.startsWith(`${name}.`)
  );
  const own = join(folder, name);
  const inside = existsSync(own) && statSync(own).isDirectory()
    ? (await readdir(own)).filter(isData).map((file) => join(name, file))
    : [];
  const all = [...beside, ...inside];
  const found = all.find((file) => PREFERRED.test(basename(file))) ?? all[0];
  if (all.length > 1 && !PREFERRED.test(basename(found!))) {
    throw new Error(
      `Expected one data file for ${name} in ${folder}, but found ${all.join(", ")}: leave one.`,
    );
  }
  return found === undefined ? null : relative(process.cwd(), join(folder, found));
}

/** The first of the shapes whose columns the file has; the last of them where none fits. */
async function shapeOf<T>(
  file: string,
  shapes: readonly DatasetSource<T>[],
): Promise<DatasetSource<T>> {
  for await (const row of readRows(file)) {
    const fits = ({ columns }: DatasetSource<T>) => columns.every((column) => column in row);
    return shapes.find(fits) ?? shapes.at(-1)!;
  }
  throw new Error(`Expected rows in ${file}, but found none. Check that it is the right file.`);
}
