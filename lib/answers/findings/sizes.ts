/** What the study of sizes and families says: response tuning, and Figure 5's tie, in each of them. */
import { type Finding, gap, halfWidth, level, said, sureOf } from "../finding.ts";

export const sizeFindings: readonly Finding[] = [
  {
    number: 7,
    study: "sizes-and-families",
    notebook: "16",
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
    notebook: "16",
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
    notebook: "16",
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
