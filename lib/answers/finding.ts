/**
 * What an answer to an open question is: a sentence made from a study's cells, for whatever outcome,
 * and how sure it is. The words "clear", "likely" and "open" come from intervals alone. Does not know
 * the questions.
 */
import { contrast, type Estimate, estimates } from "./estimates.ts";
import type { CellResult } from "./grid.ts";
import type { Factors } from "./plan.ts";

/**
 * `clear`: the whole 95 % interval speaks for the sentence; `likely`: three quarters of it do, or
 * more; `open`: less.
 */
export type Sureness = "clear" | "likely" | "open";

/** What came out: at most thirty words, and how sure. */
export interface Found {
  readonly sentence: string;
  readonly sure: Sureness;
}

/** What one study says of one question. */
export interface Finding {
  /** Of the question, as in {@link questions}. */
  readonly number: number;
  /** The study whose cells answer it. */
  readonly study: string;
  /** The notebook that shows how, by the number before its title: "15". */
  readonly notebook: string;
  /** @throws NotComputed where the cells it needs are not there. */
  find(cells: readonly CellResult[]): Found;
}

/** A number with its interval. */
export type Interval = Pick<Estimate, "value" | "low" | "high">;

/** Cells that an answer needs, and that have not been computed. */
export class NotComputed extends Error {
  override name = "NotComputed";
}

const fits = ({ factors }: CellResult, wanted: Factors) =>
  Object.entries(wanted).every(([name, value]) => factors[name] === value);
const has = ({ outcomes, figures }: CellResult, measure: string) =>
  measure in outcomes || measure in figures;

/**
 * A measure of the cells that have these factors.
 *
 * @throws NotComputed if there are none; an error if the factors leave several groups of them.
 * @example level(cells, "pass", { arm: "rules" }) // { value: 24.1, low: 19.8, high: 28.6, … }
 */
export function level(
  cells: readonly CellResult[],
  measure: string,
  wanted: Factors,
): Factors & Estimate {
  const chosen = cells.filter((cell) => fits(cell, wanted) && has(cell, measure));
  const named = `${measure} of ${JSON.stringify(wanted)}`;
  if (chosen.length === 0) throw new NotComputed(`${named} is not computed yet.`);
  const rows = estimates(chosen, measure);
  if (rows.length === 1) return rows[0]!;
  throw new Error(`Expected one group of cells for ${named}, but found ${rows.length}.`);
}

/**
 * How much more `a` has of a measure than `b`, over the bases and seeds that both have.
 *
 * @throws NotComputed if no base has both.
 * @example gap(cells, "win", { arm: "response tuning" }, { arm: "rules" })
 */
export function gap(
  cells: readonly CellResult[],
  measure: string,
  a: Factors,
  b: Factors,
): Interval {
  const having = cells.filter((cell) => has(cell, measure));
  const basesOf = (wanted: Factors) =>
    having.filter((cell) => fits(cell, wanted)).map(({ base }) => base);
  const others = new Set(basesOf(b));
  if (!basesOf(a).some((base) => others.has(base))) {
    throw new NotComputed(
      `${measure} of ${JSON.stringify(a)} and ${JSON.stringify(b)} is not computed yet.`,
    );
  }
  return contrast(having, measure, a, b);
}

/** How sure it is that a value lies on its side of a limit. */
export function sureOf({ value, low, high }: Interval, limit = 0): Sureness {
  const beyond = value > limit ? limit - low : high - limit;
  if (beyond < 0) return "clear";
  return beyond <= (high - low) / 4 && high > low ? "likely" : "open";
}

/** How sure it is that a value is nearer to zero than `margin`: that an effect is small. */
export function sureWithin({ value, low, high }: Interval, margin: number): Sureness {
  const beyond = Math.max(-margin - low, high - margin);
  if (beyond < 0) return "clear";
  return Math.abs(value) < margin && beyond <= (high - low) / 4 ? "likely" : "open";
}

const ORDER: readonly Sureness[] = ["open", "likely", "clear"];

/** A sentence that needs several things to be so is as sure as the least sure of them. */
export const leastSure = (...all: readonly Sureness[]): Sureness =>
  ORDER.find((sure) => all.includes(sure)) ?? "open";

/** The largest effect that an interval still allows: half its width, for "no effect larger than". */
export const halfWidth = ({ low, high }: Pick<Interval, "low" | "high">): number =>
  (high - low) / 2;

/** A number with its interval, as in a sentence: `41.9 % [39.5, 44.1]`. */
export function said({ value, low, high }: Interval, unit = " %", digits = 1): string {
  const [middle, least, most] = [value, low, high].map((x) => x.toFixed(digits));
  return `${middle}${unit} [${least}, ${most}]`;
}
