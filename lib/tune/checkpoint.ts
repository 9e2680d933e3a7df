/**
 * The state of a training run on disk: parameters, the optimiser's moments, and the step, from which
 * schedule, random order and place in the data all follow. A checkpoint is one safetensors file,
 * renamed to its name when it is whole, so that a process killed at any moment leaves the one before.
 * It carries its hash: one that was damaged since is set aside, and the training begins anew.
 * Knows nothing of what the numbers mean.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  hashParameters,
  type Parameters,
  readHeader,
  readSafetensors,
  writeSafetensors,
} from "@implicit/decoder";

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
  const text = JSON.stringify(progress);
  const metadata = { progress: text, sha256: hashOf(text, tensors) };
  await writeSafetensors(join(folder, `step-${progress.step}.safetensors`), tensors, { metadata });
  for (const name of await readdir(folder)) {
    const older = Number(complete.exec(name)?.[1] ?? Infinity) < progress.step;
    if (older || unfinished.test(name)) await rm(join(folder, name), { force: true });
  }
}

/**
 * Reads the latest whole checkpoint of `folder` into `arrays`. One that is not what was written is
 * removed, with a warning: there is none then.
 *
 * @returns its progress, or null where there is none
 * @throws where it belongs to another run, or its arrays are not of the length asked for.
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
  const kept = await readKept(path).catch((error: Error) => error);
  if (kept instanceof Error) {
    console.warn(`The training begins anew, for its checkpoint is damaged. ${kept.message}`);
    await rm(path, { force: true });
    return null;
  }
  const { progress, tensors } = kept;
  if (progress.run !== run) {
    throw new Error(
      `Expected ${path} to be of run ${run}, but found one of run ${progress.run}: its base, data ` +
        `or settings differ. Choose another folder, or remove this one.`,
    );
  }
  const lengths = Object.entries(arrays).map(([name, array]) =>
    [name, array.length, tensors.get(name)?.data.length] as const
  );
  for (const [name, expected, length] of lengths) {
    if (length === expected) continue;
    throw new Error(`Expected ${expected} values of ${name} in ${path}, but found ${length}.`);
  }
  for (const [name, array] of Object.entries(arrays)) array.set(tensors.get(name)!.data);
  return progress;
}

/** What a file holds. @throws where it is not what was written. */
async function readKept(path: string): Promise<{ progress: Progress; tensors: Parameters }> {
  const { metadata } = await readHeader(path);
  const tensors = await readSafetensors(path);
  const { progress = "", sha256 } = metadata;
  const found = hashOf(progress, tensors);
  if (found === sha256) return { progress: JSON.parse(progress), tensors };
  throw new Error(`Expected ${path} with the hash ${sha256}, but found ${found}.`);
}

function hashOf(progress: string, tensors: Parameters): string {
  return createHash("sha256").update(progress).update(hashParameters(tensors)).digest("hex");
}
