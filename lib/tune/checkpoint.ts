/**
 * The state of a training run on disk: parameters, the optimiser's moments, and the step, from which
 * schedule, random order and place in the data all follow. A checkpoint is written under a temporary
 * name and renamed when it is whole, so that a process killed at any moment leaves the one before.
 * Knows nothing of what the numbers mean.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** What is kept beside the arrays. `run` identifies everything that determines the training. */
export interface Progress {
  readonly run: string;
  readonly step: number;
  readonly losses: readonly number[];
}

/** The flat arrays of a run, by name, all of one length. */
export type Arrays = Readonly<Record<string, Float32Array>>;

const complete = /^step-(\d+)$/;
const unfinished = /^step-\d+\.tmp-/;

const bytesOf = (array: Float32Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

async function writeFile(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Steps of the whole checkpoints in `folder`, ascending. */
async function steps(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => complete.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b);
}

/**
 * Writes a checkpoint to `folder/step-N`, then removes older ones and what a killed process left.
 * One of that step already there is kept: a step's numbers are the same however it was reached.
 */
export async function writeCheckpoint(
  folder: string,
  progress: Progress,
  arrays: Arrays,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await steps(folder)).includes(progress.step)) return;
  const target = join(folder, `step-${progress.step}`);
  const temporary = `${target}.tmp-${process.pid}`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  for (const [name, array] of Object.entries(arrays)) {
    await writeFile(join(temporary, `${name}.f32`), bytesOf(array));
  }
  const json = JSON.stringify(progress);
  await writeFile(join(temporary, "progress.json"), new TextEncoder().encode(json));
  await rename(temporary, target);
  for (const name of await readdir(folder)) {
    const older = Number(complete.exec(name)?.[1] ?? Infinity) < progress.step;
    if (older || unfinished.test(name)) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

/**
 * Reads the latest whole checkpoint of `folder` into `arrays`.
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
  const path = join(folder, `step-${latest}`);
  const progress = parseProgress(await readFile(join(path, "progress.json"), "utf8"), path);
  if (progress.run !== run) {
    throw new Error(
      `Expected ${path} to be of run ${run}, but found one of run ${progress.run}: its base, data ` +
        `or settings differ. Choose another folder, or remove this one.`,
    );
  }
  for (const [name, array] of Object.entries(arrays)) await readArray(path, name, array);
  return progress;
}

function parseProgress(json: string, path: string): Progress {
  const { run, step, losses } = JSON.parse(json) as Partial<Progress>;
  const valid = typeof run === "string" && Number.isSafeInteger(step) &&
    Array.isArray(losses) && losses.length === step;
  if (!valid) {
    throw new Error(
      `Expected run, step and one loss a step in ${path}/progress.json, but found ${
        json.slice(0, 80)
      }.`,
    );
  }
  return { run, step: step!, losses };
}

async function readArray(folder: string, name: string, array: Float32Array): Promise<void> {
  const path = join(folder, `${name}.f32`);
  const { size } = await stat(path);
  if (size !== array.byteLength) {
    throw new Error(`Expected ${array.byteLength} bytes in ${path}, but found ${size}.`);
  }
  const file = await open(path, "r");
  try {
    const bytes = bytesOf(array);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await file.read(bytes, done, Math.min(size - done, 1 << 30), done);
      if (bytesRead === 0) throw new Error(`Expected ${size} bytes in ${path}, but found ${done}.`);
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
}
