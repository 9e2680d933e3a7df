/** The scales by name. */
import { miniature } from "./miniature.ts";
import type { Scale, ScaleOptions } from "./scale.ts";
import { paper, small } from "./small.ts";

const scales: Readonly<Record<string, (options: ScaleOptions) => Promise<Scale>>> = {
  miniature,
  small,
  paper,
};

/**
 * Opens a scale.
 *
 * @throws if there is none of this name; the error lists those there are.
 */
export function openScale(name: string, options: ScaleOptions = {}): Promise<Scale> {
  const open = scales[name];
  if (!open) {
    throw new Error(
      `Expected a scale (${Object.keys(scales).join(", ")}), but found "${name}".`,
    );
  }
  return open(options);
}
