/** What the studies of pretraining say: contents, amount read, sizes and families. */
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
      const most = gap(
        cells,
        "pass",
        { arm: "response tuning", corpus: corpusOf(30) },
        { arm: "response tuning", corpus: corpusOf(0) },
      );
      return {
        sentence:
          `Response tuning passes more from ${share(follows)} of answered documents on, the ` +
          `base ranks better from ${share(ranks)}: ${
            follows === ranks ? "one" : "not one"
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
      return {
        sentence:
          `Over bases, how well one ranks and what response tuning makes of it go together ` +
          `with a rank correlation of ${said(tie, "", 2)}.`,
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
  {
    number: 7,
    study: "sizes-and-families",
    notebook: "10",
    find(cells) {
      const grows = gap(
        cells,
        "win",
        { arm: "response tuning", model: "3 M" },
        { arm: "response tuning", model: "0.5 M" },
      );
      return {
        sentence:
          `From half a million to three million parameters response tuning's win rate moves by ` +
          `${said(grows, " points")}.`,
        sure: sureOf(grows),
      };
    },
  },
  {
    number: 15,
    study: "sizes-and-families",
    notebook: "10",
    find(cells) {
      const others = ["OLMo", "GPT-NeoX", "Qwen"].map((model) =>
        gap(cells, "win", { arm: "response tuning", model: "0.5 M" }, {
          arm: "response tuning",
          model,
        })
      );
      const apart = others.filter(({ low, high }) => low > 0 || high < 0).length;
      const seen = Math.max(...others.map(halfWidth));
      return {
        sentence:
          `${apart === 0 ? "None" : apart} of three other families' response tuning lies apart ` +
          `from the Llama's; a difference of ${seen.toFixed(0)} points would have been seen.`,
        sure: apart > 0 ? "clear" : seen < 10 ? "clear" : "likely",
      };
    },
  },
  ...[13, 23].map((number): Finding => ({
    number,
    study: "sizes-and-families",
    notebook: "10",
    find(cells) {
      const kinds = number === 13
        ? ["0.5 M", "OLMo", "GPT-NeoX", "Qwen"]
        : ["0.2 M", "0.5 M", "1 M", "3 M"];
      const ties = kinds.map((model) => level(cells, "spearman", { arm: "poems", model }));
      const positive = ties.filter(({ low }) => low > 0).length;
      return {
        sentence: `Likeness to the task and the task's style go together in ${positive} of ` +
          `${kinds.length} ${
            number === 13 ? "families" : "sizes"
          } (rank correlation surely above 0).`,
        sure: positive === kinds.length || positive === 0 ? "clear" : "likely",
      };
    },
  })),
];
