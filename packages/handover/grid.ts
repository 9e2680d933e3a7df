/**
 * A grid of runs for many machines: a Slurm array and a Kubernetes indexed job whose every machine
 * computes one part. Does NOT know what a part is: the command does, by its --shard.
 */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import writeFileAtomic from "write-file-atomic";
import { fill } from "./folder.ts";

const templates = fileURLToPath(new URL("./grid", import.meta.url));

/**
 * Writes `slurm.sh` and `kubernetes.yaml` into a folder.
 *
 * @param command a task with its arguments, which takes `--shard 3/20`
 * @returns their names
 * @throws where the folder holds a hand-over of trainings
 * @example
 * await writeGrid("out", "reproduce --seeds 5", 20);
 */
export async function writeGrid(out: string, command: string, shards: number): Promise<string[]> {
  const name = command.split(" --")[0]!.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const files = await readdir(templates);
  await mkdir(out, { recursive: true });
  if ((await readdir(out)).includes("handover.json")) {
    throw new Error(
      `Expected a folder for a grid's files, but found a hand-over of trainings in ${out}, whose ` +
        "slurm.sh would be lost: name another.",
    );
  }
  for (const file of files) {
    const text = await readFile(join(templates, file), "utf8");
    await writeFileAtomic(join(out, file), fill(text, { name, command, shards: String(shards) }));
  }
  return files;
}
