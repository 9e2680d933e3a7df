import { deepEqual, equal, ok } from "node:assert/strict";
import { gamesOf, markdownRecipe, pythonStrings, withoutComments } from "./formats.ts";
import { singleTaskSources } from "./single_tasks.ts";

async function games(text: string) {
  async function* lines() {
    for (const line of text.split("\n")) yield { text: line };
  }
  return await Array.fromAsync(gamesOf(lines()));
}
const WHITE = '[WhiteElo "1500"]';
const BLACK = '[BlackElo "1600"]';

Deno.test("gamesOf() takes both Elo lines and the moves of each game, and no line of its neighbour", async () => {
  const text = `[Event "x"]
${WHITE}
${BLACK}
[WhiteRatingDiff "+6"]

1. e4 e5 1-0

${BLACK}

1. d4 d5 0-1

${WHITE}
${BLACK}

0-1`;
  deepEqual(await games(text), [
    { WhiteElo: WHITE, BlackElo: BLACK, moves: "1. e4 e5 1-0" },
    { BlackElo: BLACK, moves: "1. d4 d5 0-1" },
    { WhiteElo: WHITE, BlackElo: BLACK },
  ]);
  deepEqual(await games(text.replaceAll("\n\n", "\n")), await games(text));
  deepEqual(await games(""), []);
});

Deno.test("withoutComments() leaves plain moves", () => {
  const line = "1. e4 { [%clk 0:01:00] } 1... c5 { [%eval 0.3] [%clk 0:01:00] } 2. O-O-O# 1-0";
  equal(withoutComments(line), "1. e4 c5 2. O-O-O# 1-0");
  equal(withoutComments("1. e4 c5 1/2-1/2"), "1. e4 c5 1/2-1/2");
});

Deno.test("pythonStrings() reads what Python's repr writes and refuses the rest", () => {
  deepEqual(pythonStrings(`['a', "b's", 'c\\'d "e"', 'f\\n\\\\g\\xa0\\u00bd', '½, g']`), [
    "a",
    "b's",
    `c'd "e"`,
    "f\n\\g\u00a0½",
    "½, g",
  ]);
  deepEqual(pythonStrings("[]"), []);
  deepEqual(pythonStrings("['a', ]"), ["a"]);
  for (const bad of ["", "a", "['a'", "['a' 'b']", "['a', 1]", "['a'] + x()", "[a]", "[',']x]"]) {
    equal(pythonStrings(bad), null, bad);
  }
});

Deno.test("pythonStrings() takes every escape of Python's, and refuses what Python refuses", () => {
  const read = (inside: string) => pythonStrings(`['${inside}']`);
  deepEqual(read(String.raw`\U0001F600 \u00bd \xe9 \101\0 \a\b\f\v\q\X41`), [
    "😀 ½ é A\0 \x07\b\f\v\\q\\X41",
  ]);
  deepEqual(read("a\\\nb\\\r\nc"), ["abc"]);
  for (
    const bad of [String.raw`\UFFFFFFFF`, String.raw`\x4`, String.raw`\u12`, "a\nb", "\\N{DASH}"]
  ) {
    equal(read(bad), null, bad);
  }
  const long = "a\\x41".repeat(1_000_000);
  equal(read(long)![0]!.length, 2_000_000);
});

Deno.test("no text takes markdownRecipe(), pythonStrings() or a style more than linear time", () => {
  const n = 200_000; // quadratic would be minutes
  for (
    const unit of [
      "![",
      "![a](",
      "\n",
      "\r",
      "- \n",
      "## \n",
      "## ingredients\n- x\n## directions\n![",
    ]
  ) {
    markdownRecipe(`## Ingredients\n- x\n## Directions\n${unit.repeat(n)}`);
    markdownRecipe(`## Ingredients\n${unit.repeat(n)}`);
  }
  for (const unit of [" ", "'", "',", "\\", "'a' "]) {
    equal(pythonStrings(`[${unit.repeat(n)}x]`), null);
  }
  for (const { style } of Object.values(singleTaskSources)) {
    for (const unit of ["<", "<<a", "- ", " - a", "\n", "1. ", "def"]) style.test(unit.repeat(n));
  }
  ok(singleTaskSources.sums!.style.test("so <<<a<b>>4"));
});

Deno.test("markdownRecipe() finds the list and the text, or says what is missing", () => {
  const text =
    "---\ntitle: x\n---\n\nBest ever.\n\n## Ingredients\n\n### Dough\n\n- flour\n* salt \n\n" +
    "## Directions\n\n1. Mix.\n\n![x](/y.webp)\n\n2. Bake.\n\n## Notes\n\nHot.\n";
  deepEqual(markdownRecipe(text), {
    ingredients: ["flour", "salt"],
    directions: "1. Mix.\n\n2. Bake.",
  });
  equal(markdownRecipe(text.replace("Ingredients", "Things")), "no list under ## Ingredients");
  equal(markdownRecipe(text.replace("Directions", "How")), "nothing under ## Directions");
});
