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
 * The JSON object in a file; null where there is no such file.
 *
 * @throws as {@link parseObject} does.
 */
export async function readObject(path: string): Promise<Record<string, unknown> | null> {
  const text = await readFile(path, "utf8").catch((cause: { code?: string }) => {
    if (cause.code === "ENOENT") return null;
    throw cause;
  });
  return text === null ? null : parseObject(text, path);
}

/**
 * A name that stands twice in one object of a JSON text, of which `JSON.parse` keeps the last; null
 * where there is none.
 *
 * @param json a text that is JSON
 * @example repeatedName('{"a": {"b": 1, "\\u0062": 2}}') // "b"
 */
export function repeatedName(json: string): string | null {
  const open: Set<string>[] = []; // the names of each object that is not closed yet
  for (let at = 0; at < json.length; at++) { // no pattern: on a text of megabytes they overflow
    if (json[at] === "{") open.push(new Set());
    else if (json[at] === "}") open.pop();
    if (json[at] !== '"') continue;
    const start = at++;
    while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
    let next = at + 1;
    while (/[ \n\r\t]/.test(json[next] ?? "")) next++;
    if (json[next] !== ":") continue;
    const name: string = JSON.parse(json.slice(start, at + 1));
    if (open.at(-1)!.has(name)) return name;
    open.at(-1)!.add(name);
  }
  return null;
}
