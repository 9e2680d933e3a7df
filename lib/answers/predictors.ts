/**
 * The cells of narrow-tasks as rows and figures: what turning one thing does, which number orders
 * held-out sets by what they win, and which set's tuning transfers to which family.
 */
import { nestedBootstrap } from "@implicit/alpaca-eval";
import type { PointSeries } from "@implicit/notebook";
import { evaluationSet, recipe, type World } from "@implicit/world";
import { mean, median, sampleRankCorrelation } from "simple-statistics";
import { estimates } from "./estimates.ts";
import { gap, type Interval, NotComputed } from "./finding.ts";
import { type CellResult, valuesOf } from "./grid.ts";
import { narrowSets } from "./narrow_sets.ts";
import { sharedWorld } from "./pretrained.ts";

/** The figures of a cell that may predict: what they are, and whether they are known before tuning. */
export const predictors = {
  gradientCosine: { what: "gradient's cosine with instruction tuning's", before: true },
  divergence: { what: "divergence of the tokens from general responses'", before: true },
  baseLoss: { what: "base's loss, a token of the responses", before: true },
  baseLossFirst: { what: "base's loss on the first token", before: true },
  firstEntropy: { what: "entropy of the first token", before: true },
  responseEntropy: { what: "entropy of a response (compressed)", before: true },
  length: { what: "length of the responses", before: true },
  changeNorm: { what: "norm of the weight change", before: false },
  changeCosine: { what: "weight change's cosine with instruction tuning's", before: false },
} as const;

export type Predictor = keyof typeof predictors;

/** Sets and what they win in one base, in percent. */
interface Measured {
  readonly x: number;
  readonly y: number;
}

/**
 * How well one number orders sets that it was not tried on: for each set in turn the sign of the tie is
 * learnt on the others; counted are the pairs with it that come in the right order less those that do
 * not. 1: all right, 0: chance. (Kendall's τ, with the sign held out.)
 */
export function heldOutOrder(points: readonly Measured[]): number {
  const agreements = points.map((held, i) => {
    const others = points.filter((_, j) => j !== i);
    const tie = sampleRankCorrelation(others.map(({ x }) => x), others.map(({ y }) => y));
    const right = others.map(({ x, y }) => Math.sign(held.x - x) * Math.sign(held.y - y));
    return Math.sign(tie || 0) * mean(right);
  });
  return mean(agreements);
}

/** A predictor's held-out order, over bases. */
export interface PredictorRow extends Interval {
  readonly predictor: Predictor;
  readonly label: string;
  readonly before: boolean;
}

/**
 * All predictors, the best first, each with its 95 % interval that resamples bases.
 *
 * @throws NotComputed where no base has five sets.
 * @example predictorRows(cells).filter(({ before }) => before)[0].label
 */
export function predictorRows(cells: readonly CellResult[]): PredictorRow[] {
  const byBase = basesOf(cells).map((base) => cells.filter((cell) => cell.base === base))
    .filter((group) => group.length >= 5);
  if (byBase.length === 0) throw new NotComputed("five sets of a base are needed.");
  return (Object.keys(predictors) as Predictor[]).map((predictor) => {
    const orders = byBase.map((group) =>
      heldOutOrder(group.map((cell) => ({ x: cell.figures[predictor]!, y: winOf(cell) })))
    );
    const { estimate, low, high } = nestedBootstrap(orders.map((order) => [[order]]), { seed: 1 });
    const { what, before } = predictors[predictor];
    return { predictor, label: what, before, value: estimate, low, high };
  }).sort((a, b) => b.value - a.value);
}

const basesOf = (cells: readonly CellResult[]) => [...new Set(cells.map(({ base }) => base))];

const winOf = ({ outcomes }: CellResult) =>
  100 * mean(valuesOf(outcomes.win!).filter((value) => !Number.isNaN(value)));

/**
 * A predictor against the win rate, one point a set, means over bases: tasks as they are, and turned.
 *
 * @example showFigure(scatter("…", predictorPoints(cells, "baseLoss"), { x: "nats", y: "win, %" }))
 */
export function predictorPoints(
  cells: readonly CellResult[],
  predictor: Predictor,
): PointSeries[] {
  const wins = estimates(cells, "win"), values = estimates(cells, predictor);
  const points = (name: string, isTurned: boolean) => {
    const rows = wins.filter(({ dial }) => (dial !== "none") === isTurned);
    return {
      name,
      x: rows.map(({ set }) => values.find((row) => row.set === set)!.value),
      y: rows.map(({ value }) => value),
      text: rows.map(({ set }) => String(set)),
    };
  };
  return [points("a task as it is", false), points("one thing turned", true)];
}

/** What a set wins more than the task it was made of, in points; a row for each that was turned. */
export function turnedRows(
  cells: readonly CellResult[],
): (Interval & { readonly label: string })[] {
  const sets = new Set(cells.map(({ factors }) => factors.set));
  return narrowSets.filter(({ name, dial }) => dial !== null && sets.has(name)).flatMap(
    ({ name, family }) => {
      const source = narrowSets.find((set) => set.family === family)!.name;
      if (!sets.has(source)) return [];
      const { value, low, high } = gap(cells, "win", { set: name }, { set: source });
      return [{ label: `${name} − ${source}`, value, low, high }];
    },
  );
}

/** Which set's tuning transfers to which family: mean win rates in percent. */
export interface Transfer {
  readonly sets: readonly string[];
  readonly families: readonly string[];
  /** `values[set][family]` */
  readonly values: readonly (readonly number[])[];
  /** Half the width of a tile's 95 % interval over bases, at the median. */
  readonly halfWidth: number;
}

/**
 * The matrix of transfer, the family that was trained on included.
 *
 * @example
 * const { sets, families, values } = transfer(cells);
 * showFigure(heatMap("Transfer", sets, families, values));
 */
export function transfer(cells: readonly CellResult[]): Transfer {
  const asked = evaluationSet(sharedWorld().world, "test", recipe.evaluation.test)
    .map(({ family }) => family);
  const families = [...new Set(asked)];
  const sets = [...new Set(cells.map(({ factors }) => String(factors.set)))];
  const tiles = sets.map((set) =>
    families.map((family) => {
      const tables = cells.filter(({ factors }) => factors.set === set).map(({ outcomes }) => [
        valuesOf(outcomes.winAll!).filter((_, i) => asked[i] === family),
      ]);
      return nestedBootstrap(tables, { seed: 1, resamples: 200 });
    })
  );
  return {
    sets,
    families,
    values: tiles.map((row) => row.map(({ estimate }) => 100 * estimate)),
    halfWidth: median(tiles.flat().map(({ low, high }) => 50 * (high - low))),
  };
}

/** One example of every set, as a table's rows. */
export function narrowExamples(
  world: World = sharedWorld().world,
): { set: string; instruction: string; response: string }[] {
  return narrowSets.map(({ name, examples }) => {
    const [instruction, response] = examples(world, 1)[0]!.messages.map(({ content }) => content);
    return { set: name, instruction: instruction!, response: response! };
  });
}
