/**
 * Bases of random weights in files, as those of the real scales are. Written once, by a process of
 * its own: what it took to make them is in no memory that is measured.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadCheckpoint, type Model, saveCheckpoint } from "@implicit/decoder";
import { projectRoot } from "../study/settings.ts";
import { randomModel, shapes } from "./shapes.ts";

/** The random model of a shape, its weights left in their file. */
export async function baseInFile(shape: keyof typeof shapes): Promise<Model> {
  const folder = join(projectRoot(), ".cache", "bench", shape);
  if (!existsSync(join(folder, "config.json"))) {
    const args = ["run", "-A", fileURLToPath(import.meta.url), shape, folder];
    const { status } = spawnSync(process.execPath, args, {
      stdio: ["ignore", "ignore", "inherit"],
    });
    if (status !== 0) throw new Error(`Expected ${folder} to be written, but found no room there.`);
  }
  return await loadCheckpoint(folder, { inFile: true });
}

if (import.meta.main) {
  const [shape, folder] = process.argv.slice(2) as [keyof typeof shapes, string];
  await saveCheckpoint(randomModel(shape, shapes[shape]), folder);
}
