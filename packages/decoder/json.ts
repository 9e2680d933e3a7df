/** The JSON of a checkpoint folder's files, which may be damaged or none at all. */

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
