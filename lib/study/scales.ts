/** The scales by name. */
import { miniature } from "./miniature.ts";
import type { Scale } from "./scale.ts";

const scales: Readonly<Record<string, () => Promise<Scale>>> = { miniature };

/**
 * Opens a scale.
 *
 * @throws if there is none of this name; the error lists those there are.
 */
export function openScale(name: string): Promise<Scale> {
  const open = scales[name];
  if (!open) {
    throw new Error(
      `Expected a scale (${Object.keys(scales).join(", ")}), but found "${name}".`,
    );
  }
  return open();
}
