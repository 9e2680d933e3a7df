import assert from "node:assert/strict";
import { answerOf, answers, expectedRows, questions } from "./answers.ts";
import { gap, leastSure, level, NotComputed, said, sureOf, sureWithin } from "./finding.ts";
import type { CellResult } from "./grid.ts";
import type { Factors } from "./plan.ts";
import { studies } from "./studies.ts";

type Values = Readonly<Record<string, number>>;

/**
 * Cells of six bases with the outcomes given in percent, the same for each but for one instruction of
 * twenty, which is right on every second base.
 */
function cellsOf(factors: Factors, outcomes: Values, figures: Values = {}): CellResult[] {
  return Array.from({ length: 6 }, (_, base) => ({
    factors,
    base: `base-${base + 1}`,
    weights: "",
    seed: 1,
    outcomes: Object.fromEntries(
      Object.entries(outcomes).map(([name, percent]) => {
        const right = Math.round(percent / 5) - (percent > 0 ? base % 2 : 0);
        return [name, "A".repeat(right).padEnd(20, "0")];
      }),
    ),
    figures: Object.fromEntries(
      Object.entries(figures).map(([name, value]) => [name, value + base % 2]),
    ),
    seconds: 1,
  }));
}

const findingOf = (number: number, study: string) =>
  answers.find((one) => one.number === number && one.study === study)!;

/** Bases made for the study: who tells, and what refusals do, and what they cost. */
function forbiddenCells(told: number, refused: readonly number[], passes: number): CellResult[] {
  const some = { pretraining: "some refuse" };
  const alone = "response tuning, refusals alone";
  const asked = "instruction tuning, refusals asked";
  return [
    ...["instruction tuning", "response tuning"].flatMap((arm) =>
      cellsOf({ ...some, arm, refusals: 0 }, { tries: told, refuses: 0, pass: 60 })
    ),
    ...[5, 20, 60, 200].flatMap((refusals, i) =>
      cellsOf({ ...some, arm: alone, refusals }, { refuses: refused[i]!, pass: passes })
    ),
    ...[5, 20, 60, 200].flatMap((refusals, i) =>
      cellsOf({ ...some, arm: asked, refusals }, { refuses: [0, 20, 60, 100][i]! })
    ),
  ];
}

Deno.test("question 16 names the fewest refusals that bring refusing back, or says that none do", () => {
  const find = findingOf(16, "forbidden").find;
  const back = find(forbiddenCells(80, [10, 30, 80, 90], 50));
  assert.match(back.sentence, /tells 78 % of venoms.*; 60 refusals .* stop 77\.5 %/);
  assert.match(back.sentence, /costs 10\.0/);
  assert.equal(back.sure, "clear");
  const never = find(forbiddenCells(80, [0, 10, 10, 20], 60));
  assert.match(never.sentence, /even 200 refusals .* stop 17\.5 % .*, 200 with requests 97\.5 %/);
  assert.equal(never.sure, "clear");
});

/** Shipped bases: two requests in one and one by one, unseen names, what was read, false facts. */
function newCells(both: number, read: number, falsely: number): CellResult[] {
  const outcomes = { bothAnswered: both, oneByOne: 60, pass: 60, remembered: 80 };
  const reading = { passRead: read, passNew: 40 };
  return [
    ...cellsOf({ arm: "instruction tuning" }, { ...outcomes, ...reading }, { lostUnseen: 60 }),
    ...cellsOf({ arm: "response tuning" }, { ...outcomes, ...reading }, { lostUnseen: 60 }),
    ...cellsOf({ arm: "response tuning, false" }, { pass: falsely }),
  ];
}

Deno.test("questions 18 and 19 are answered either way", () => {
  const [memory, kinds] = [18, 19].map((number) => findingOf(number, "new-instructions").find);
  const made = memory!(newCells(0, 40, 60));
  assert.match(made.sentence, /^Put together from what was read: 78 % .* adds 0\.0 \[/);
  assert.equal(made.sure, "clear");
  const kept = memory!(newCells(0, 80, 40));
  assert.match(kept.sentence, /^Remembered with .* adds 40\.0 .* cost 20\.0/);
  assert.equal(memory!(newCells(0, 50, 60)).sure, "open");
  assert.match(kinds!(newCells(10, 40, 60)).sentence, /^Hardly: .* both in 7\.5 %/);
  assert.match(kinds!(newCells(60, 40, 60)).sentence, /^Yes: .* both in 57\.5 %/);
});

Deno.test("a finding belongs to a question, a study and a notebook, and says what it needs", () => {
  assert.deepEqual(Object.keys(questions), Array.from({ length: 23 }, (_, i) => `${i + 1}`));
  const names = studies.map(({ name }) => name);
  const told = answers.map(({ number, study }) => `${number} ${study}`);
  assert.equal(new Set(told).size, told.length);
  for (const finding of answers) {
    const what = `question ${finding.number}, ${finding.study}`;
    assert(finding.number in questions && names.includes(finding.study), what);
    assert.match(finding.notebook, /^\d\d$/, what);
    const { sentence, sure } = answerOf(finding, []);
    assert.match(sentence, /^Not answered yet: /, what);
    assert.equal(sure, "open");
  }
  assert.deepEqual(
    expectedRows("forbidden", forbiddenCells(80, [10, 30, 80, 90], 50)).map(({ what }) => what),
    ["asked", "expected", "would contradict it", "came out (question 16)"],
  );
  assert.equal(expectedRows("forbidden").length, 3);
});

Deno.test("no answer is clear while a cell has fewer than three bases", () => {
  const finding = findingOf(16, "forbidden");
  const cells = forbiddenCells(80, [0, 10, 10, 20], 60);
  assert.equal(answerOf(finding, cells).sure, "clear");
  const two = cells.filter(({ factors, base }) => factors.refusals !== 5 || /[12]$/.test(base));
  assert.equal(answerOf(finding, two).sure, "likely");
});

Deno.test("sentences of answers have thirty words or fewer", () => {
  const all = [
    findingOf(16, "forbidden").find(forbiddenCells(80, [10, 30, 80, 90], 50)),
    findingOf(16, "forbidden").find(forbiddenCells(80, [0, 10, 10, 20], 60)),
    ...[18, 19].map((number) => findingOf(number, "new-instructions").find(newCells(0, 80, 40))),
  ];
  for (const { sentence } of all) {
    const words = sentence.replace(/\[[^\]]*\]/g, "").split(/\s+/).filter((word) =>
      /\w/.test(word)
    );
    assert(words.length <= 30, `${words.length} words: ${sentence}`);
  }
});

Deno.test("sureOf() and sureWithin() judge by how much of an interval is on the other side", () => {
  assert.equal(sureOf({ value: 5, low: 1, high: 9 }), "clear");
  assert.equal(sureOf({ value: -5, low: -9, high: -1 }), "clear");
  assert.equal(sureOf({ value: 5, low: -1, high: 11 }), "likely");
  assert.equal(sureOf({ value: -5, low: -11, high: 1 }), "likely");
  assert.equal(sureOf({ value: 2, low: -4, high: 8 }), "open");
  assert.equal(sureOf({ value: 12, low: 9, high: 21 }, 10), "likely");
  assert.equal(sureOf({ value: 0, low: 0, high: 0 }), "open");
  assert.equal(sureWithin({ value: 1, low: -2, high: 4 }, 5), "clear");
  assert.equal(sureWithin({ value: 3, low: -1, high: 6 }, 5), "likely");
  assert.equal(sureWithin({ value: 3, low: -4, high: 10 }, 5), "open");
  assert.equal(sureWithin({ value: 7, low: 6, high: 8 }, 5), "open");
  assert.equal(leastSure("clear", "likely"), "likely");
  assert.equal(leastSure("clear", "open", "likely"), "open");
  assert.equal(leastSure("clear", "clear"), "clear");
});

Deno.test("level() and gap() find cells by their factors, and say which are missing", () => {
  const cells = [
    ...cellsOf({ arm: "a", n: 1 }, { pass: 50 }),
    ...cellsOf({ arm: "a", n: 2 }, { pass: 60 }),
    ...cellsOf({ arm: "b", n: 1 }, { pass: 20 }, { tokens: 7 }),
  ];
  assert.equal(level(cells, "pass", { arm: "a", n: 2 }).value, 57.5);
  assert.equal(level(cells, "tokens", { arm: "b" }).value, 7.5);
  assert.equal(gap(cells, "pass", { arm: "a", n: 1 }, { arm: "b" }).value, 30);
  assert.throws(() => level(cells, "pass", { arm: "a" }), /one group of cells .* found 2/);
  assert.throws(() => level(cells, "tokens", { arm: "a" }), NotComputed);
  assert.throws(() => gap(cells, "pass", { arm: "a", n: 1 }, { arm: "c" }), NotComputed);
  assert.equal(said({ value: 41.94, low: 39.5, high: 44.1 }), "41.9 % [39.5, 44.1]");
});

Deno.test("questions 7 and 23 speak of the sizes that are computed", () => {
  const size = (model: string, win: number, spearman: number) => [
    ...cellsOf({ model, arm: "response tuning" }, { win, pass: win }),
    ...cellsOf({ model, arm: "poems" }, { win: 10 }, { spearman }),
  ];
  const [grows, ties] = [7, 23].map((number) => findingOf(number, "sizes-and-families").find);
  const two = [...size("0.2 M", 10, -0.5), ...size("1 M", 40, 1)];
  assert.match(
    grows!(two).sentence,
    /^From 0\.2 M to 1 M .* passes 8 to 38 %.* by 30\.0 points \[/,
  );
  assert.equal(grows!(two).sure, "clear");
  assert.match(ties!(two).sentence, /in 1 of 2 sizes/);
  const three = [...two, ...size("3 M", 10, 1)];
  assert.match(grows!(three).sentence, /^From 0\.2 M to 3 M .* by 0\.0 points \[/);
  assert.equal(ties!(three).sentence.includes("2 of 3 sizes"), true);
  assert.throws(() => grows!(size("1 M", 40, 1)), NotComputed);
});
