/**
 * The exact judge of the micro-world: how good a response is, without a model. It knows what is
 * true and what was asked, and nothing of where the response comes from.
 */
import type { World } from "./facts.ts";
import { familyNamed } from "./families.ts";
import { restatement, type Task } from "./tasks.ts";
import { unitsOf } from "./units.ts";

export interface Grade {
  /** 0…1: six tenths for what was asked, four for what a full answer adds, less what does not belong. */
  readonly score: number;
  /** What was asked is there, complete, and nothing else is. */
  readonly passed: boolean;
  readonly notes: readonly string[];
}

const coreWeight = 0.6;
const extraCost = 0.3;

/**
 * Grades a response to a task. The response must have ended by itself or by its cap; a run-on
 * counts through the sentences that do not belong.
 *
 * @example grade(world, task, task.response) // { score: 1, passed: true, notes: [] }
 */
export function grade(world: World, task: Task, response: string): Grade {
  const item = familyNamed(task.family).item(world, task.params);
  const units = unitsOf(response);
  if (units[0] === restatement(item)) units.shift();
  const { core, detail, extra } = item.mark(units);
  const quality = coreWeight * core + (1 - coreWeight) * (core === 1 ? detail : 0);
  const score = core < 0.5 ? 0 : Math.max(0, quality - extraCost * extra.length);
  const notes = [
    ...(units.length === 0 ? ["empty"] : []),
    ...(core < 1 ? ["what was asked is missing or wrong"] : []),
    ...(core === 1 && detail < 1 ? ["not in full"] : []),
    ...(extra.length > 0 ? [`does not belong: ${extra.slice(0, 3).join(" / ")}`] : []),
  ];
  return { score, passed: core === 1 && extra.length === 0, notes };
}
