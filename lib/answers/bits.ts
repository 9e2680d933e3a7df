/**
 * The cells of description-length as rows and lines: how many bits an adaptation is, and what it wins.
 * Knows results alone.
 */
import type { IntervalSeries } from "@implicit/notebook";
import { mean } from "simple-statistics";
import { type Estimate, estimates } from "./estimates.ts";
import { gap, level, NotComputed } from "./finding.ts";
import type { CellResult } from "./grid.ts";

/** The paper's three rules, by the name that their cells have. */
export const allRules = { arm: "eos + repetition + uniform" } as const;

/** An adaptation's size and what it wins, in percent. */
export interface BitsRow extends Pick<Estimate, "value" | "low" | "high"> {
  readonly kind: string;
  readonly arm: string;
  /** Trained or written, and what they take. */
  readonly numbers: number;
  readonly bits: number;
}

/**
 * All adaptations, the smallest first.
 *
 * @throws NotComputed if there is none.
 * @example bitsRows(cells).filter(({ kind }) => kind === "LoRA")
 */
export function bitsRows(cells: readonly CellResult[]): readonly BitsRow[] {
  if (cells.length === 0) throw new NotComputed("no adaptation has been measured yet.");
  const rows = known.get(cells) ?? measuredRows(cells);
  known.set(cells, rows);
  return rows;
}

/** The rows of a list of cells, whose intervals take seconds. */
const known = new WeakMap<readonly CellResult[], readonly BitsRow[]>();

function measuredRows(cells: readonly CellResult[]): BitsRow[] {
  return estimates(cells, "win").map(({ kind, arm, value, low, high }) => ({
    kind: String(kind),
    arm: String(arm),
    numbers: figureOf(cells, arm, "numbers"),
    bits: figureOf(cells, arm, "bits"),
    value,
    low,
    high,
  })).sort((a, b) => a.bits - b.bits);
}

const figureOf = (cells: readonly CellResult[], arm: unknown, name: string) =>
  mean(cells.filter(({ factors }) => factors.arm === arm).map(({ figures }) => figures[name]!));

/** Kinds of which there is one or two, in one line. */
const asWeights = ["gains", "head", "all weights"];

/** Lists of words, which have figures of their own. */
const asWords = ["one word less", "greedy words"];

/**
 * Lines of win rate along bits, one a kind; the base, which has no bits, is not among them, nor are the
 * lists of words.
 *
 * @example showFigure(intervalLines("Bits", bitsLines(cells), { x: "bits", y: "win rate, %" }))
 */
export function bitsLines(cells: readonly CellResult[]): IntervalSeries[] {
  const rows = bitsRows(cells).filter(({ bits, kind }) => bits > 0 && !asWords.includes(kind));
  const nameOf = ({ kind }: BitsRow) => asWeights.includes(kind) ? "some or all weights" : kind;
  return [...new Set(rows.map(nameOf))].map((name) => ({
    name,
    points: rows.filter((row) => nameOf(row) === name)
      .map(({ bits, value, low, high }) => ({ x: bits, value, low, high })),
  }));
}

/**
 * How much more each adaptation that was learnt wins than the three rules, the smallest first; in points.
 *
 * @example overRules(cells).find(({ low }) => low > 0) // the smallest that surely beats them
 */
export function overRules(cells: readonly CellResult[]): BitsRow[] {
  const written = ["base", "rules", "one word less", "greedy words"];
  return bitsRows(cells).filter(({ kind }) => !written.includes(kind))
    .map((row) => ({ ...row, ...gap(cells, "win", { arm: row.arm }, allRules) }));
}

/** What each word is worth: the rules' win rate with all fifteen less that without it, in points. */
export function worthOfWords(
  cells: readonly CellResult[],
): (Pick<Estimate, "value" | "low" | "high"> & { readonly label: string })[] {
  const rows = bitsRows(cells).filter(({ kind }) => kind === "one word less");
  return rows.map(({ arm }) => {
    const { value, low, high } = gap(cells, "win", allRules, { arm });
    return { label: arm.slice("without ".length), value, low, high };
  }).sort((a, b) => b.value - a.value);
}

/** Win rates along the number of the uniform rule's words, greedily chosen; all fifteen at the end. */
export function wordLines(cells: readonly CellResult[]): IntervalSeries[] {
  const point = (x: number, arm: string) => {
    const { value, low, high } = level(cells, "win", { arm });
    return { x, value, low, high };
  };
  const counts = bitsRows(cells).filter(({ kind }) => kind === "greedy words")
    .map(({ arm }) => Number(arm.slice("greedy ".length))).sort((a, b) => a - b);
  return [{
    name: "EOS ramp, repetition rule and so many words",
    points: [
      point(0, "eos + repetition"),
      ...counts.map((count) => point(count, `greedy ${count}`)),
      point(15, allRules.arm),
    ],
  }];
}
