/** What the study of bits against win rate says. */
import { allRules, bitsRows, overRules, worthOfWords } from "../bits.ts";
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

const about = { study: "description-length", notebook: "12" } as const;
const win = (cells: readonly CellResult[], arm: string) => level(cells, "win", { arm });
const asBits = (bits: number) => bits.toLocaleString("en", { maximumFractionDigits: 0 });

/** A difference of fewer points does not count as one. */
const SMALL = 5;

export const adapterFindings: readonly Finding[] = [
  {
    number: 4,
    ...about,
    find(cells) {
      const lists = [0, 1, 2, 4, 8].map((count) => {
        const arm = count === 0 ? "eos + repetition" : `greedy ${count}`;
        return { count, arm, lost: gap(cells, "win", allRules, { arm }) };
      });
      const enough = lists.find(({ lost }) => lost.value < SMALL);
      const spared = worthOfWords(cells).filter(({ low }) => low <= 0).length;
      return {
        sentence:
          (enough
            ? `With ${enough.count} of fifteen words the rules win ${
              said(win(cells, enough.arm))
            }, ` +
              `with all ${said(win(cells, allRules.arm))}; `
            : `No shorter list comes within ${SMALL} points of all fifteen words; `) +
          `${spared} words can go singly without a sure loss.`,
        sure: enough ? sureWithin(enough.lost, SMALL) : sureOf(lists.at(-1)!.lost, SMALL),
      };
    },
  },
  {
    number: 10,
    ...about,
    find(cells) {
      const [one, some, all] = ["EOS + bias 1", "EOS + bias 16", "EOS + bias all"] as const;
      const more = gap(cells, "win", { arm: all }, { arm: one });
      return {
        sentence: `With an EOS slope, a learned bias on one token wins ${said(win(cells, one))}, ` +
          `on sixteen ${said(win(cells, some))}, on all ${said(win(cells, all))}.`,
        sure: sureOf(more),
      };
    },
  },
  {
    number: 11,
    ...about,
    find(cells) {
      const learnt = overRules(cells);
      if (learnt.length === 0) throw new NotComputed("no adapter has been trained yet.");
      const best = learnt.find(({ low }) => low > 0);
      const rules = said(win(cells, allRules.arm));
      if (best) {
        return {
          sentence: `The smallest adapter that surely beats the rules (${rules}) is ${best.arm}: ` +
            `${asBits(best.numbers)} numbers, ${said(win(cells, best.arm))}.`,
          sure: "clear",
        };
      }
      const most = learnt.reduce((a, b) => a.value > b.value ? a : b);
      return {
        sentence: `No adapter surely beats the rules (${rules}); ${most.arm} comes nearest, and ` +
          `${halfWidth(most).toFixed(0)} points would have been seen.`,
        sure: most.high < SMALL ? "clear" : "open",
      };
    },
  },
  {
    number: 22,
    ...about,
    find(cells) {
      const most = win(cells, "all weights").value;
      const reaching = (share: number) => {
        const found = bitsRows(cells).find(({ value }) => value >= share * most)!;
        return { ...found, sure: sureOf(found, share * most) };
      };
      const [half, nine] = [reaching(0.5), reaching(0.9)];
      return {
        sentence: `Half of what all weights win takes ${asBits(half.bits)} bits (${half.arm}), ` +
          `nine tenths ${asBits(nine.bits)} (${nine.arm}).`,
        sure: half.sure,
      };
    },
  },
];
