/**
 * What the notebook on new and forbidden instructions draws and asks: several measures of the same
 * cells as lines, what each dose of refusals does, and an arm's answers to instructions of one's own.
 */
import { showResponses } from "@implicit/notebook";
import type { Arm } from "../study/arm.ts";
import { answerPrompts } from "../study/run.ts";
import type { Study } from "../study/study.ts";
import { type Estimate, estimates, seriesOf } from "./estimates.ts";
import { level } from "./finding.ts";
import type { CellResult } from "./grid.ts";
import type { Factors } from "./plan.ts";

type Series = ReturnType<typeof seriesOf>;

/**
 * Measures of the same cells as lines, one a measure, along a factor.
 *
 * @param labels what the lines are called, by measure
 * @param wanted factors that the cells must have
 * @example
 * ```ts
 * measureLines(cells, { seen: "known names", unseen: "new names" }, "arm");
 * ```
 */
export function measureLines(
  cells: readonly CellResult[],
  labels: Readonly<Record<string, string>>,
  along: string,
  wanted: Factors = {},
): Series {
  const chosen = cells.filter(({ factors }) =>
    Object.entries(wanted).every(([name, value]) => factors[name] === value)
  );
  const rows = Object.entries(labels).flatMap(([measure, label]) =>
    estimates(chosen, measure).map((row): Factors & Estimate => ({ ...row, measure: label }))
  );
  return seriesOf(rows, "measure", along);
}

const DOSES = [0, 5, 20, 60, 200];
const DOSED = ["response tuning, refusals alone", "instruction tuning, refusals alone"];
const ASKED = "instruction tuning, refusals asked";

/**
 * What so many refusals among the examples do to a measure, one line for each tuning that has them;
 * without any it is the tuning alone. Doses that were not computed are left out.
 *
 * @example
 * ```ts
 * intervalLines("Refused", refusalDoses(cells, "refuses"), { x: "refusals", y: "%" });
 * ```
 */
export function refusalDoses(
  cells: readonly CellResult[],
  measure: string,
  pretraining = "some refuse",
): Series {
  return [...DOSED, ASKED].flatMap((name) => {
    const points = DOSES.flatMap((refusals) => {
      const arm = refusals === 0 ? name.split(",")[0]! : name;
      const wanted = { pretraining, arm, refusals };
      if (!cells.some(({ factors }) => sameFactors(factors, wanted))) return [];
      const { value, low, high } = level(cells, measure, wanted);
      return [{ x: String(refusals), value, low, high }];
    });
    return points.length > 1 ? [{ name, points }] : [];
  });
}

const sameFactors = (a: Factors, b: Factors) =>
  Object.entries(b).every(([name, value]) => a[name] === value);

/**
 * Shows what an arm answers to instructions of one's own.
 *
 * @example
 * ```ts
 * await ask(study, arms.responseTuning, ["Write a poem about the zebra."]);
 * ```
 */
export async function ask(
  study: Study,
  arm: Arm,
  instructions: readonly string[],
): Promise<void> {
  const prompts = instructions.map((instruction, i) => (
    { id: `${i + 1}`, family: "asked here", instruction, response: null }
  ));
  const ungraded = { ...study.scale, grade: () => null };
  const adapted = await study.tuned(arm, study.seeds[0]!);
  const answers = await answerPrompts(ungraded, study.base, adapted, arm, prompts);
  for (const { prompt, response } of answers) {
    const instruction = instructions[Number(prompt) - 1]!;
    await showResponses(instruction, [{ model: arm.name, response }]);
  }
}
