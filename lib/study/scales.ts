/** The scales by name, and which one's rules are a tokenizer's. */
import type { Tokenizer } from "@implicit/decoder";
import type { Rule } from "../adapt/rules.ts";
import type { Rules } from "./arm.ts";
import { miniature } from "./miniature.ts";
import type { OpenScale, Scale, ScaleOptions } from "./scale.ts";
import { readSettings, type Settings } from "./settings.ts";
import { llamaRules, paper, small } from "./small.ts";

const scales: Readonly<Record<string, OpenScale>> = { miniature, small, paper };

/**
 * Opens a scale.
 *
 * @throws if there is none of this name (the error lists those there are), or an override is given
 *   where none is taken.
 */
export function openScale(
  name: string,
  options: ScaleOptions = {},
  settings: Settings = readSettings(),
): Promise<Scale> {
  const open = Object.hasOwn(scales, name) ? scales[name] : undefined;
  if (!open) {
    throw new Error(
      `Expected a scale (${Object.keys(scales).join(", ")}), but found "${name}".`,
    );
  }
  if (options.override && open === miniature) {
    throw new Error(
      `Expected no override at the miniature scale, whose bases are used as they are, but found ` +
        `${JSON.stringify(options.override)}. Leave it out, or name another scale.`,
    );
  }
  return open(options, settings);
}

/** The micro-world's rules for its own tokenizer, the paper's (Llama-2's) for any other. */
export async function rulesFor(tokenizer: Tokenizer, rules: Rules): Promise<readonly Rule[]> {
  const world = await miniature().catch(() => null); // without its bases, the tokenizer is another's
  const base = await world?.loadBase(world.bases[0]!);
  const isWorlds = world !== null && base?.tokenizer.hash === tokenizer.hash;
  return isWorlds ? world.rules(rules) : llamaRules({ ...rules, variant: rules.variant ?? "code" });
}
