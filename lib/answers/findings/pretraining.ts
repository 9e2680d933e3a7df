/** What the studies of pretraining say: its contents, and how much was read. */
import { estimatesByBase, spearmanOverBases } from "../by_base.ts";
import {
  type Finding,
  gap,
  halfWidth,
  leastSure,
  level,
  NotComputed,
  said,
  sureOf,
} from "../finding.ts";
import type { CellResult } from "../grid.ts";

const SHARES = [0, 0.1, 0.3, 1, 3, 10, 30] as const;
const corpusOf = (share: number) => `answered ${share} %`;

/** The smallest share from which on a measure of an arm lies surely above that of share 0. */
function threshold(cells: readonly CellResult[], measure: string, arm: string): number | null {
  const above = (share: number) => {
    const [here, none] = [{ arm, corpus: corpusOf(share) }, { arm, corpus: corpusOf(0) }];
    return level(cells, measure, here).low > level(cells, measure, none).high;
  };
  const found = SHARES.slice(1).findIndex((_, i) => SHARES.slice(i + 1).every(above));
  return found < 0 ? null : SHARES[found + 1]!;
}

const share = (percent: number | null) =>
  percent === null ? "no share that was tried" : `${percent} %`;

export const pretrainingFindings: readonly Finding[] = [
  {
    number: 2,
    study: "pretraining-contents",
    notebook: "10",
    find(cells) {
      const follows = threshold(cells, "pass", "response tuning");
      const ranks = threshold(cells, "rankMean", "base");
      const byPmi = threshold(cells, "rankPmi", "base");
      const most = gap(
        cells,
        "pass",
        { arm: "response tuning", corpus: corpusOf(30) },
        { arm: "response tuning", corpus: corpusOf(0) },
      );
      return {
        sentence:
          `Response tuning passes more from ${share(follows)} of answered documents on, the ` +
          `base ranks better from ${share(ranks)}, by PMI from ${share(byPmi)}: ${
            follows === ranks && ranks === byPmi ? "one" : "more than one"
          } threshold.`,
        sure: sureOf(most),
      };
    },
  },
  {
    number: 21,
    study: "pretraining-contents",
    notebook: "10",
    find(cells) {
      const tuned = level(cells, "pass", { arm: "response tuning", corpus: corpusOf(0) });
      const more = gap(
        cells,
        "pass",
        { arm: "response tuning", corpus: corpusOf(0) },
        { arm: "base", corpus: corpusOf(0) },
      );
      const fails = more.low <= 0;
      return {
        sentence: `Where no request was ever answered, response tuning passes ${said(tuned)}: ` +
          (fails ? "it fails." : "it works all the same."),
        sure: fails ? (halfWidth(more) < 5 ? "clear" : "likely") : sureOf(more),
      };
    },
  },
  {
    number: 8,
    study: "emergence",
    notebook: "10",
    find(cells) {
      const tie = spearmanOverBases(
        estimatesByBase(cells, "rankFamily", { arm: "base" }),
        estimatesByBase(cells, "pass", { arm: "response tuning" }),
      );
      const early = { tokens: 1 };
      const at = (measure: string, arm: string) =>
        level(cells, measure, { ...early, arm }).value.toFixed(0);
      const [ranks, follows] = [at("rankFamily", "base"), at("pass", "response tuning")];
      return {
        sentence: `Over bases that read more or less the two go together, rank correlation ` +
          `${said(tie, "", 2)}; but after a million tokens a base ranks ${ranks} % and ` +
          `follows ${follows} %.`,
        sure: sureOf(tie),
      };
    },
  },
  {
    number: 14,
    study: "emergence",
    notebook: "10",
    find(cells) {
      const amounts = [...new Set(cells.map(({ factors }) => factors.tokens as number))].sort((
        a,
        b,
      ) => a - b);
      const last = amounts.at(-1);
      if (last === undefined) throw new NotComputed("no base has been pretrained yet.");
      const half = (measure: string, arm: string) => {
        const at = (tokens: number) => level(cells, measure, { arm, tokens }).value;
        const chance = measure.startsWith("rank") ? 50 : 0;
        return amounts.find((tokens) => at(tokens) - chance >= (at(last) - chance) / 2)!;
      };
      const [ranks, follows] = [half("rankMean", "base"), half("pass", "response tuning")];
      return {
        sentence:
          `Half of the ranking is there after ${ranks} M tokens, half of the following after ` +
          `${follows} M: ${ranks < follows ? "ranking comes first" : "not ranking first"}.`,
        sure: leastSure(
          sureOf(gap(cells, "pass", { arm: "response tuning", tokens: last }, {
            arm: "response tuning",
            tokens: amounts[0]!,
          })),
        ),
      };
    },
  },
];
