/** The JSON of a checkpoint folder's files, which may be damaged or none at all. */
import { readFile } from "node:fs/promises";

/**
 * Parses a JSON object.
 *
 * @throws where the text is no JSON, or JSON of something else; the error names `path`.
 * @example parseObject('{"model_type": "llama"}', "config.json").model_type // "llama"
 */
export function parseObject(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`Expected JSON in ${path} but found: ${(cause as Error).message}.`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`Expected a JSON object in ${path} but found ${text.slice(0, 40)}.`);
  }
  return value as Record<string, unknown>;
}

/**
 * The JSON object in a file that may be absent, or null.
 *
 * @throws as {@link parseObject} does.
 */
export async function readOptional(path: string): Promise<Record<string, unknown> | null> {
  const text = await readFile(path, "utf8").catch((cause: { code?: string }) => {
    if (cause.code === "ENOENT") return null;
    throw cause;
  });
  return text === null ? null : parseObject(text, path);
}
