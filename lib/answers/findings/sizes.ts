/** What the study of sizes and families says: response tuning, and Figure 5's tie, in each of them. */
import {
  type Finding,
  gap,
  halfWidth,
  level,
  NotComputed,
  said,
  sureOf,
  sureWithin,
} from "../finding.ts";
import type { CellResult } from "../grid.ts";

const SIZES = ["0.2 M", "0.5 M", "1 M", "3 M"];
const FAMILIES = ["0.5 M", "OLMo", "GPT-NeoX", "Qwen"];

/** The sizes that are computed, the smallest first. */
const sizesOf = (cells: readonly CellResult[]) =>
  SIZES.filter((model) => cells.some(({ factors }) => factors.model === model));

export const sizeFindings: readonly Finding[] = [
  {
    number: 7,
    study: "sizes-and-families",
    notebook: "16",
    find(cells) {
      const sizes = sizesOf(cells);
      const [least, most] = [sizes[0], sizes.at(-1)];
      if (least === most) throw new NotComputed("two sizes are needed.");
      const of = (model = "") => ({ arm: "response tuning", model });
      const grows = gap(cells, "win", of(most), of(least));
      const passes = [least, most].map((model) => level(cells, "pass", of(model)).value.toFixed(0));
      const wins = `its win rate against instruction tuning moves by ${said(grows, " points")}`;
      const moves = grows.low > 0 || grows.high < 0;
      const trend = moves ? "" : `: no trend, where ${halfWidth(grows).toFixed(0)} would be seen`;
      return {
        sentence: `From ${least} to ${most} parameters response tuning passes ` +
          `${passes.join(" to ")} %; ${wins}${trend}.`,
        sure: moves ? sureOf(grows) : sureWithin(grows, 10),
      };
    },
  },
  {
    number: 15,
    study: "sizes-and-families",
    notebook: "16",
    find(cells) {
      const arm = "response tuning";
      const others = FAMILIES.slice(1).map((model) => (
        { model, ...gap(cells, "win", { arm, model }, { arm, model: "0.5 M" }) }
      ));
      const apart = others.filter(({ low, high }) => low > 0 || high < 0);
      const seen = Math.max(...others.map(halfWidth));
      const named = apart.map((other) => `in ${other.model} by ${said(other, " points")}`);
      return {
        sentence: apart.length === 0
          ? `None of three other families' ${arm} lies apart from the Llama's; a difference of ` +
            `${seen.toFixed(0)} points would have been seen.`
          : `The win rate of ${arm} differs from the Llama's ${named.join(" and ")}; ` +
            `elsewhere ${seen.toFixed(0)} points would have been seen.`,
        sure: apart.length > 0 || seen < 10 ? "clear" : "likely",
      };
    },
  },
  ...[13, 23].map((number): Finding => ({
    number,
    study: "sizes-and-families",
    notebook: "16",
    find(cells) {
      const kinds = number === 13 ? FAMILIES : sizesOf(cells);
      if (kinds.length === 0) throw new NotComputed("no size has been pretrained yet.");
      const ties = kinds.map((model) => level(cells, "spearman", { arm: "poems", model }));
      const positive = ties.filter(({ low }) => low > 0).length;
      const of = number === 13 ? "families" : "sizes";
      return {
        sentence: `Likeness to the task and the task's style go together in ${positive} of ` +
          `${kinds.length} ${of} (rank correlation surely above 0).`,
        sure: positive === kinds.length || positive === 0 ? "clear" : "likely",
      };
    },
  })),
];
