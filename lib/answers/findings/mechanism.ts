/** What the studies of what implicit tuning does inside answer. */
import type { CellResult } from "../grid.ts";
import { type Finding, gap, level, said, sureOf } from "../finding.ts";
import { withRises, withShares } from "../mechanism_rows.ts";

/** Percent of the divergence: what is most of it, and what is too little to be the reason. */
const MOST = 50, LITTLE = 100 / 3;

function reweighting(cells: readonly CellResult[]) {
  const arm = "response tuning";
  const shares = withShares(cells);
  const [before, after] = ["base", arm].map((name) =>
    100 * level(cells, "answer", { arm: name }).value
  );
  const kinds = level(shares, "kind of reply", { arm });
  const ends = level(shares, "where it ends", { arm });
  const bias = level(shares, "a static bias", { arm });
  const word = kinds.value > MOST ? "Mostly" : kinds.value > LITTLE ? "In part" : "In small part";
  const limit = kinds.value > (MOST + LITTLE) / 2 ? MOST : LITTLE;
  return {
    sentence:
      `${word}: replies that answer go from ${before!.toFixed(0)} to ${after!.toFixed(0)} %, ` +
      `${said(kinds, " %", 0)} of KL(tuned ‖ base), ends ${
        ends.value.toFixed(0)
      } %; a static bias ` +
      `explains ${bias.value.toFixed(0)} %.`,
    sure: sureOf(kinds, limit),
  };
}

/** A length of weight changes, in lengths of the general solution's, at which losses are compared. */
const SHORT = 0.25;

function easier(cells: readonly CellResult[]) {
  const of = (of: string) => ({ part: "solution", of });
  const cost = (of: string) => ({ part: "cost", of });
  const [general, narrow] = ["general", "narrow"].map((name) => level(cells, "pass", of(name)));
  const loss = gap(cells, `loss ${SHORT}`, cost("narrow"), cost("general"));
  const noise = gap(withRises(cells), "rise 4", cost("narrow"), cost("general"));
  return {
    sentence:
      `${loss.value > 0 ? "The general solution is nearer" : "The narrow is as near"}: at ` +
      `equal short length the narrow one loses ${
        said(loss, "", 3)
      } nats more on poems, under noise ` +
      `${noise.value.toFixed(3)}; elsewhere it passes ${narrow!.value.toFixed(0)} %, the general ` +
      `${general!.value.toFixed(0)} %.`,
    sure: sureOf(loss),
  };
}

/** Points of win rate that the loss of one layer's tuning must cost, so that swaps can tell anything. */
const TELLS = 5;

function inside(cells: readonly CellResult[]) {
  const between = (of: string, other: string) => ({ part: "pair", of, with: other });
  const same = level(cells, "cosine", between("instruction", "response"));
  const poems = between("general", "instruction");
  const nearer = gap(cells, "cosine", between("instruction", "response"), poems);
  const rules = level(cells, "cosine", between("instruction", "distilled rules"));
  // Layers as repeats of one measurement: a mean over them.
  const swaps = cells.filter(({ factors }) => factors.part === "swap").map((cell) => (
    { ...cell, seed: Number(cell.factors.with), factors: { of: cell.factors.of! } }
  ));
  const [response, base] = ["response", "base"].map((of) => 50 - level(swaps, "win", { of }).value);
  return {
    sentence: `${nearer.value > 0 ? "In degree" : "As from poems"}: weight changes of response ` +
      `tuning have cosine ${said(same, "", 2)} with instruction tuning's, poems ` +
      `${level(cells, "cosine", poems).value.toFixed(2)}, distilled rules ` +
      `${rules.value.toFixed(2)}; ` +
      (base! < TELLS
        ? "one layer's tuning can be lost, so swaps tell nothing."
        : `a swapped layer costs ${response!.toFixed(0)} points, the base's ${base!.toFixed(0)}.`),
    sure: sureOf(nearer),
  };
}

export const mechanismFindings: readonly Finding[] = [
  { number: 1, study: "narrow-or-general", notebook: "14", find: inside },
  { number: 20, study: "hidden-modes", notebook: "14", find: reweighting },
  { number: 20, study: "narrow-or-general", notebook: "14", find: easier },
];
