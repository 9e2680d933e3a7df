/** A checkpoint without its weights: what tokenizes for a model that another machine has. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { type HubOptions, openRepository } from "./repository.ts";

const files = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "generation_config.json",
];

/** Where a checkpoint's small files lie, and the commit they are of; null for a folder. */
export interface BareCheckpoint {
  readonly folder: string;
  readonly revision: string | null;
}

/**
 * Finds config.json and the tokenizer of a checkpoint, and fetches no weights.
 *
 * @param nameOrFolder "owner/name" on the hub, or a folder, which is returned as it is
 * @throws where the hub does not give them: the error names the files.
 * @example const { folder, revision } = await bareCheckpoint("meta-llama/Llama-2-7b-hf");
 */
export async function bareCheckpoint(
  nameOrFolder: string,
  options: HubOptions = {},
): Promise<BareCheckpoint> {
  if (existsSync(nameOrFolder)) return { folder: nameOrFolder, revision: null };
  try {
    const { folder, paths, get } = await openRepository("model", nameOrFolder, options);
    await get(files.filter((name) => paths.includes(name)));
    return { folder, revision: basename(folder) };
  } catch (cause) {
    throw new Error(
      `${(cause as Error).message} Of ${nameOrFolder} only these files are needed, not its ` +
        `weights: ${files.join(", ")}. Or put them into a folder and name that.`,
      { cause },
    );
  }
}
