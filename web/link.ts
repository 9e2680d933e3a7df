/** The page's address: which step is shown, and the settings of an experiment to make again. */
import type { Settings } from "./protocol.ts";

const NUMBERS = ["examples", "steps", "learningRate", "seed"] as const;

/** The part after `#`, as `tune?arm=responses&steps=60`. */
export function linkOf(step: string, settings?: Settings): string {
  if (!settings) return `#${step}`;
  const pairs = Object.entries(settings).map(([key, value]) => [key, String(value)]);
  return `#${step}?${new URLSearchParams(pairs)}`;
}

/** Which step an address names, and its settings where it has some; what is missing is the default. */
export function readLink(
  hash: string,
  defaults: Settings,
): { step: string; settings: Settings | null } {
  const [step = "", query] = hash.slice(1).split("?", 2);
  if (query === undefined) return { step, settings: null };
  const given = new URLSearchParams(query);
  const numbers = NUMBERS.map((name) => [name, Number(given.get(name) ?? defaults[name])]);
  const own = given.get("own");
  return {
    step,
    settings: {
      ...defaults,
      arm: given.get("arm") ?? defaults.arm,
      ...Object.fromEntries(numbers),
      ...(own === null ? {} : { own }),
    },
  };
}
