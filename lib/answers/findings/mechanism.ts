/** What the studies of what implicit tuning does inside answer. */
import type { CellResult } from "../grid.ts";
import { type Finding, gap, leastSure, level, said, sureOf } from "../finding.ts";
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

/** Of a difference in nats a token, what counts as one. */
const SAME_LOSS = 0.05;

function easier(cells: readonly CellResult[]) {
  const of = (of: string) => ({ part: "solution", of });
  const cost = (of: string) => ({ part: "cost", of });
  const [general, narrow] = ["general", "narrow"].map((name) => level(cells, "pass", of(name)));
  const loss = gap(cells, "loss 1", cost("narrow"), cost("general"));
  const noise = gap(withRises(cells), "rise 4", cost("narrow"), cost("general"));
  const isEasier = loss.value > SAME_LOSS;
  return {
    sentence:
      `${isEasier ? "The general solution is the shorter" : "No shorter way"}: the narrow ` +
      `one passes ${narrow!.value.toFixed(0)} % elsewhere (general ${
        general!.value.toFixed(0)
      } %), ` +
      `its loss at equal length is ${said(loss, "", 2)} nats higher, under noise ` +
      `${noise.value.toFixed(2)}.`,
    sure: sureOf(loss, SAME_LOSS),
  };
}

/** Points of win rate that a swapped layer may cost and still stand in. */
const STANDS_IN = 10;

function inside(cells: readonly CellResult[]) {
  const pair = (of: string, other: string) =>
    level(cells, "cosine", { part: "pair", of, with: other });
  const same = pair("instruction", "response"), poems = pair("general", "instruction");
  // Layers as repeats of one measurement: a mean over them.
  const swaps = cells.filter(({ factors }) => factors.part === "swap").map((cell) => (
    { ...cell, seed: Number(cell.factors.with), factors: { of: cell.factors.of! } }
  ));
  const [response, base] = ["response", "base"].map((of) => level(swaps, "win", { of }));
  const lost = { value: 50 - response!.value, low: 50 - response!.high, high: 50 - response!.low };
  const isAlike = lost.value < STANDS_IN;
  return {
    sentence:
      `${isAlike ? "Little" : "Yes"}: a layer of response tuning in the instruction-tuned ` +
      `model costs ${said(lost, "")} points (the base's ${
        (50 - base!.value).toFixed(0)
      }); weight ` +
      `changes have cosine ${said(same, "", 2)}, with poems ${poems.value.toFixed(2)}.`,
    sure: leastSure(sureOf(lost, STANDS_IN), sureOf(same)),
  };
}

export const mechanismFindings: readonly Finding[] = [
  { number: 1, study: "narrow-or-general", notebook: "14", find: inside },
  { number: 20, study: "hidden-modes", notebook: "14", find: reweighting },
  { number: 20, study: "narrow-or-general", notebook: "14", find: easier },
];
