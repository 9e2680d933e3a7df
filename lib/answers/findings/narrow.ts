/** What the study of narrow tasks says. */
import { type Finding, gap, level, NotComputed, said, sureOf } from "../finding.ts";
import type { CellResult } from "../grid.ts";
import { narrowSets } from "../narrow_sets.ts";
import { predictorRows } from "../predictors.ts";

const about = { study: "narrow-tasks", notebook: "13" } as const;

/** Sets that were measured, the one that wins most first. */
function byWin(cells: readonly CellResult[], isWanted: (name: string) => boolean) {
  const sets = new Set(cells.map(({ factors }) => String(factors.set)));
  const rows = [...sets].filter(isWanted).map((set) => level(cells, "win", { set }))
    .sort((a, b) => b.value - a.value);
  if (rows.length < 2) throw new NotComputed("two sets at least are needed.");
  return rows;
}

export const narrowFindings: readonly Finding[] = [
  {
    number: 9,
    ...about,
    find(cells) {
      const plain = narrowSets.filter(({ dial }) => dial === null).map(({ name }) => name);
      const rows = byWin(cells, (name) => plain.includes(name));
      const [most, least] = [rows[0]!, rows.at(-1)!];
      return {
        sentence:
          `Of ${rows.length} single tasks ${most.set} wins most on families it never saw, ` +
          `${said(most)}, and ${least.set} least, ${said(least)}.`,
        sure: sureOf(gap(cells, "win", { set: most.set! }, { set: least.set! })),
      };
    },
  },
  {
    number: 12,
    ...about,
    find(cells) {
      const turned = narrowSets.filter(({ family, dial }) => family === "game" && dial !== null)
        .map(({ name }) => name);
      const best = byWin(cells, (name) => turned.includes(name))[0]!;
      const poems = level(cells, "win", { set: "poems" });
      const fixed = level(cells, "win", { set: "poems, one first line" });
      const isRescued = best.value > poems.value / 2;
      return {
        sentence: `The game wins ${said(level(cells, "win", { set: "game" }))}, its best version ` +
          `(${best.set}) ${said(best)}: ${isRescued ? "rescued" : "not rescued"}. Poems win ` +
          `${said(poems)}, with one first line for all ${said(fixed)}.`,
        sure: sureOf(best, poems.value / 2),
      };
    },
  },
  {
    number: 17,
    ...about,
    find(cells) {
      const rows = predictorRows(cells).filter(({ before }) => before);
      const best = rows[0]!;
      const first = rows.find(({ predictor }) => predictor === "firstEntropy")!;
      return {
        sentence:
          `${best.low > 0 ? "Yes" : "Hardly"}: the ${best.label} orders held-out sets best, ` +
          `τ = ${said(best, "", 2)}; entropy of the first token ${said(first, "", 2)}.`,
        sure: sureOf(best),
      };
    },
  },
];
