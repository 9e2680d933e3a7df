/**
 * The state of a training run on disk: parameters, the optimiser's moments, and the step, from which
 * schedule, random order and place in the data all follow. A checkpoint is one safetensors file,
 * renamed to its name when it is whole, so that a process killed at any moment leaves the one before.
 * Knows nothing of what the numbers mean.
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readHeader, readTensor, writeSafetensors } from "@implicit/decoder";

/** What is kept beside the arrays. `run` identifies everything that determines the training. */
export interface Progress {
  readonly run: string;
  readonly step: number;
  readonly losses: readonly number[];
}

/** The flat arrays of a run, by name, all of one length. */
export type Arrays = Readonly<Record<string, Float32Array>>;

const complete = /^step-(\d+)\.safetensors$/;
const unfinished = /^step-\d+\.safetensors\..*tmp$/;

/** Steps of the whole checkpoints in `folder`, ascending. */
async function steps(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => complete.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b);
}

/**
 * Writes a checkpoint to `folder/step-N.safetensors`, then removes older ones and what a killed process
 * left. One of that step already there is kept: a step's numbers are the same however it was reached.
 */
export async function writeCheckpoint(
  folder: string,
  progress: Progress,
  arrays: Arrays,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await steps(folder)).includes(progress.step)) return;
  const tensors = new Map(
    Object.entries(arrays).map(([name, data]) => [name, { shape: [data.length], data }]),
  );
  const metadata = { progress: JSON.stringify(progress) };
  await writeSafetensors(join(folder, `step-${progress.step}.safetensors`), tensors, { metadata });
  for (const name of await readdir(folder)) {
    const older = Number(complete.exec(name)?.[1] ?? Infinity) < progress.step;
    if (older || unfinished.test(name)) await rm(join(folder, name));
  }
}

/**
 * Reads the latest whole checkpoint of `folder` into `arrays`.
 *
 * @returns its progress, or null where there is none
 * @throws where it is damaged or belongs to another run, or its arrays are not of the length asked for.
 */
export async function readCheckpoint(
  folder: string,
  run: string,
  arrays: Arrays,
): Promise<Progress | null> {
  const found = await steps(folder).catch((error) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const latest = found.at(-1);
  if (latest === undefined) return null;
  const path = join(folder, `step-${latest}.safetensors`);
  const header = await readHeader(path);
  const progress = parseProgress(header.metadata.progress ?? "", path);
  if (progress.run !== run) {
    throw new Error(
      `Expected ${path} to be of run ${run}, but found one of run ${progress.run}: its base, data ` +
        `or settings differ. Choose another folder, or remove this one.`,
    );
  }
  for (const [name, array] of Object.entries(arrays)) {
    const values = await readTensor(header, name);
    if (values.length !== array.length) {
      throw new Error(
        `Expected ${array.length} values of ${name} in ${path}, but found ${values.length}.`,
      );
    }
    array.set(values);
  }
  return progress;
}

function parseProgress(json: string, path: string): Progress {
  const { run, step, losses } = JSON.parse(json || "{}") as Partial<Progress>;
  const valid = typeof run === "string" && Number.isSafeInteger(step) &&
    Array.isArray(losses) && losses.length === step;
  if (!valid) {
    throw new Error(
      `Expected run, step and one loss a step in the header of ${path}, but found ${
        json.slice(0, 80)
      }.`,
    );
  }
  return { run, step: step!, losses };
}
