/**
 * Why does tuning on poems make a base answer everything? A solution that changes poems alone exists
 * (`narrow`), so the general one must be easier to find. As Soligo et al. (arXiv 2602.07852) do for
 * another surprise, both are compared: loss for the length of the weight change (efficiency), loss under
 * noise (stability), effect on pretraining documents (significance). Then how alike the weight changes
 * of implicit and explicit adaptations are, and whether their layers can stand in for one another.
 */
import { type Cell, type Factors, type Plan, shippedBases } from "./plan.ts";
import { costs, followingElsewhere, likeness, tokenShift } from "./solution_figures.ts";
import { solution, type SolutionName, solutionNames } from "./solutions.ts";
import { normOf, weightChange, withLayer } from "./weight_changes.ts";

/** What a cell measures, of which solution, and with what: another solution, or a layer. */
interface Part extends Factors {
  readonly part: "solution" | "cost" | "pair" | "swap";
  readonly of: SolutionName | "base";
  readonly with: SolutionName | number | "";
}

interface PartCell extends Cell {
  readonly factors: Part;
}

const LAYERS = 4;

export const narrowOrGeneral: Plan<PartCell> = {
  name: "narrow-or-general",
  question:
    "Why does tuning on one task teach to follow all instructions, and is what implicit and " +
    "explicit tuning change the same?",
  expected:
    "A narrow solution exists: it writes poems as the general one does and elsewhere stays with the " +
    "base. It costs more: at equal length of the weight change its loss on poems is higher, noise of " +
    "equal length hurts it more, and at equal length it moves pretraining documents less. The changes " +
    "of instruction and response tuning are the most alike of all pairs, and a layer of one can stand " +
    "in the other, where a layer of the base cannot.",
  contradicted:
    "No narrow solution is found; or at equal length the narrow one's loss on poems is as low; or " +
    "noise hurts both alike; or instruction and response tuning are no more alike than either is to " +
    "poems.",
  code: "lib/answers/narrow_or_general.ts",
  cells(size) {
    const part = (part: Part["part"], of: Part["of"], other: Part["with"] = ""): Part => (
      { part, of, with: other }
    );
    const smoke = [
      part("solution", "narrow"),
      part("cost", "general"),
      part("pair", "general", "response"),
      part("swap", "response", 1),
    ];
    const parts = [
      ...(["general", "narrow", "distilled rules"] as const).map((of) => part("solution", of)),
      ...(["general", "narrow"] as const).map((of) => part("cost", of)),
      ...solutionNames.flatMap((of, i) =>
        solutionNames.slice(i + 1).map((other) => part("pair", of, other))
      ),
      ...(["base", "response", "general"] as const).flatMap((of) =>
        Array.from({ length: LAYERS }, (_, layer) => part("swap", of, layer))
      ),
    ];
    const [bases, wanted] = size === "smoke" ? [["base-1"], smoke] : [shippedBases, parts];
    return bases.flatMap((base) => wanted.map((factors) => ({ factors, base, seed: 1 })));
  },
  async measure(study, { factors, seed }) {
    const of = async (name: Part["of"]) =>
      name === "base" ? study.base.model : await solution(study, name, seed);
    const model = await of(factors.of);
    switch (factors.part) {
      case "solution": {
        const shift = await tokenShift(study, model, seed);
        const { outcomes } = await followingElsewhere(study, model, seed);
        return {
          outcomes,
          figures: { ...shift, norm: normOf(weightChange(model, study.base.model)) },
        };
      }
      case "cost":
        return { figures: await costs(study, model, await of("general"), seed) };
      case "pair":
        return { figures: await likeness(study, model, await of(factors.with as SolutionName)) };
      case "swap": {
        const whole = await of("instruction");
        return await followingElsewhere(
          study,
          withLayer(whole, model, factors.with as number),
          seed,
        );
      }
    }
  },
};
