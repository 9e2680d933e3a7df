import { deepEqual, equal, ok } from "node:assert/strict";
import { markdownRecipe, pythonStrings } from "./formats.ts";
import { singleTaskSources } from "./single_tasks.ts";

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
