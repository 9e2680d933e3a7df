/**
 * The paper's data sets as an experiment asks for them: which file or repository each is read from.
 * Each is read once. Does NOT know what a row means (sources.ts), what is done with the examples, nor
 * where the choice is made.
 */
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import process from "node:process";
import { type Dataset, type DatasetSource, loadDataset } from "./dataset.ts";
import type { HubOptions } from "./repository.ts";
import { dataEnding, readRows } from "./rows.ts";
import type { SingleTaskSource } from "./single_tasks.ts";
import { type Instruction, sources } from "./sources.ts";

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

export interface ExperimentOptions extends Omit<HubOptions, "onProgress"> {
  /** Where a path is sought that the working folder does not have. */
  root?: string;
  /** What the reader sets to choose, as an environment variable; errors name it. Default "choice". */
  setting?: string;
  /** Does the work and shows its progress, under a data set's name. */
  watch?: <T>(
    name: string,
    work: (onProgress?: HubOptions["onProgress"]) => Promise<T>,
  ) => Promise<T>;
}

/**
 * The data sets that `choice` stands for:
 * - `lima` (as in the paper; gated) or `alpaca`: from the hub, everything else too;
 * - a file with LIMA's or Alpaca's columns, or with conversations as `messages`: its rows are the general set, the rest from the hub;
 * - a folder: each data set that has a file there, named after it or in a folder of its name
 *   (`gsm8k.jsonl`, `gsm8k/train.jsonl`; lima or alpaca, lima_rephrased, gsm8k, mbpp, poetry,
 *   recipes, chess, alpaca_eval, validation), is read from it, the others from the hub.
 *
 * @throws if it is none of these.
 * @example
 * const data = experimentData("alpaca");
 * console.log((await data.general()).items.length);
 */
export function experimentData(choice: string, options: ExperimentOptions = {}): ExperimentData {
  const { root, setting = "choice", watch = (_name, work) => work(), ...hub } = options;
  const path = choice === "lima" || choice === "alpaca" ? null : localPath(choice, root);
  if (path === null && choice !== "lima" && choice !== "alpaca") {
    throw new Error(
      `Expected "lima", "alpaca", or a file or folder of data, but found "${choice}": check that ` +
        `the path exists (it is sought from ${
          [process.cwd(), root].filter(Boolean).join(" and ")
        }).`,
    );
  }
  const isFolder = path !== null && statSync(path).isDirectory();
  const known = new Map<string, Promise<Dataset<unknown>>>();
  const once = <T>(name: string, load: () => Promise<Dataset<T>>) => {
    if (!known.has(name)) known.set(name, load());
    return known.get(name)! as Promise<Dataset<T>>;
  };
  const local = async (name: string) => isFolder ? await fileOf(path, name) : null;
  /** From a local file in the first of the shapes that it has; else the last of them, of the hub. */
  const read = async <T>(name: string, shapes: readonly DatasetSource<T>[], more = "") => {
    const file = await local(name);
    if (file !== null) return await loadDataset(await shapeOf(file, shapes), { path: file });
    const source = shapes.at(-1)!;
    try {
      return await watch(
        source.name,
        (onProgress) => loadDataset(source, { ...hub, onProgress }),
      );
    } catch (cause) {
      const folder = isFolder ? choice : `a folder and name the folder in ${setting}`;
      const advice = `Or put ${name}.jsonl into ${folder}${more}.`;
      throw new Error(`${(cause as Error).message} ${advice}`, { cause });
    }
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
          : await read("lima", [lima], `, or tune on Alpaca instead: ${setting}=alpaca`);
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

/** A path that is there, from the working folder or else from `root`; null where there is nothing. */
export function localPath(path: string, root = "."): string | null {
  return [resolve(path), resolve(root, path)].find((place) => existsSync(place)) ?? null;
}

/** Where AlpacaEval's instructions lie in a folder of its results: with the baseline's outputs. */
const PREFERRED = /^(alpaca_eval|gpt4_1106_preview\.model_outputs)\.json/;

/** The data file for `name` in a folder, relative to the working folder; null if there is none. */
async function fileOf(folder: string, name: string): Promise<string | null> {
  const files = async (place: string) =>
    (await readdir(place)).filter((file) => dataEnding.test(file)).map((file) => join(place, file));
  const own = join(folder, name);
  const all = [
    ...(await files(folder)).filter((file) => basename(file).startsWith(`${name}.`)),
    ...existsSync(own) && statSync(own).isDirectory() ? await files(own) : [],
  ].map((file) => relative(process.cwd(), file));
  const preferred = all.find((file) => PREFERRED.test(basename(file)));
  if (all.length > 1 && !preferred) {
    throw new Error(
      `Expected one data file for ${name} in ${folder}, but found ${all.join(", ")}: leave one.`,
    );
  }
  return preferred ?? all[0] ?? null;
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
