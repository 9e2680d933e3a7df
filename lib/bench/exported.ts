/**
 * A model's 8-bit export in transformers.js: a peer of our own decoder, and what those meet who take it
 * elsewhere. Knows how it is written and asked, not whose turn it is.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { Model } from "@implicit/decoder";
import { exportModel, transformersModel, transformersPackage } from "@implicit/hub";
import { projectRoot } from "../study/settings.ts";

/**
 * Prepares greedy answers of the export; transformers.js takes all cores.
 *
 * @param maxTokens of an answer
 * @throws {NotInstalled} where transformers.js is not on this machine.
 */
export async function exportWork(model: Model, prompt: readonly number[], maxTokens: number) {
  const folder = await mkdtemp(join(tmpdir(), "export-"));
  try {
    const tokenizer = join(projectRoot(), "data", "world", "base-1"); // any; nothing asks it
    await exportModel(model, folder, { dtype: "q8", tokenizer });
    const js = await transformersModel(folder, { dtype: "q8" });
    return {
      name: `${transformersPackage}, ${availableParallelism()} threads`,
      unit: async () => (await js.generate([prompt], { maxTokens, eosId: null }))[0]!.length,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
