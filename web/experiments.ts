/**
 * From the reader's settings to an arm of the library, and from text to examples of one's own. Every
 * refusal is a sentence. Knows settings; does not know models, nor how anything is shown.
 */
import {
  type Arm,
  arms,
  asTuned,
  checkArm,
  type Example,
  type Scale,
  tuningOf,
} from "implicit/web";
import { pair } from "@implicit/hub";
import type { RuleSettings, Settings } from "./protocol.ts";

/** The arms that can be chosen, by name. */
export function choices(scale: Scale): readonly Arm[] {
  const own: Arm = { ...arms.instructionTuning, name: "own" };
  const tasks = scale.singleTasks.map(arms.singleTask);
  return [arms.responseTuning, arms.instructionTuning, arms.shuffledPairs, ...tasks, own];
}

/**
 * The arm of settings. What is as the scale has it is left out, so that it is the library's own arm.
 *
 * @throws where a setting is unknown or out of bounds.
 */
export function armOf(scale: Scale, defaults: Settings, settings: Settings): Arm {
  const arm = choices(scale).find(({ name }) => name === settings.arm);
  if (!arm) {
    const names = choices(scale).map(({ name }) => name).join(", ");
    throw new Error(`Expected an arm (${names}), but found "${settings.arm}".`);
  }
  const changed = (["examples", "steps", "learningRate"] as const)
    .filter((name) => settings[name] !== defaults[name])
    .map((name) => [name, settings[name]]);
  const chosen = { ...arm, tuning: { ...tuningOf(arm), ...Object.fromEntries(changed) } };
  checkArm(chosen);
  return chosen;
}

/** The scale, with the reader's own examples in place of its own where there are some. */
export function scaleOf(scale: Scale, { own }: Settings): Scale {
  if (own === undefined) return scale;
  const examples = readExamples(own);
  return {
    ...scale,
    examples: (tuning, seed) =>
      Promise.resolve(asTuned(examples.slice(0, tuning.examples), tuning, seed)),
  };
}

/**
 * Examples from JSON Lines: an object with `instruction` and `response` a line; empty lines are none.
 *
 * @throws names the line that is something else.
 * @example readExamples('{"instruction": "Say hello.", "response": "Hello."}')
 */
export function readExamples(text: string): Example[] {
  const examples = text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    const shown = line.length > 60 ? `${line.slice(0, 60)}…` : line;
    const wrong = (found: string) =>
      new Error(
        `Expected {"instruction": "…", "response": "…"} in line ${i + 1}, but found ${found}.`,
      );
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch {
      throw wrong(`what is no JSON: ${shown}`);
    }
    const { instruction, response } = (row ?? {}) as Record<string, unknown>;
    if (typeof instruction !== "string" || typeof response !== "string") throw wrong(shown);
    return [pair(instruction, response)];
  });
  if (examples.length > 0) return examples;
  throw new Error("Expected examples of your own, a line each, but found none.");
}

/** The arm of rules as the reader has set them. */
export function rulesArm({ use, ...weights }: RuleSettings): Arm {
  const { name, template, tuning } = arms.rules(use);
  return { name, template, tuning, rules: { use: [...use], ...weights } };
}
