import { deepStrictEqual } from "node:assert/strict";
import { pairOutputs } from "./annotation.ts";

Deno.test("pairOutputs() pairs by instruction and reports what only one side has", () => {
  const output = (instruction: string, generator: string, output: string | null) => ({
    instruction,
    generator,
    output,
  });
  const { comparisons, unpaired } = pairOutputs(
    [output("b", "c", "1"), output("a", "c", "2"), output("a", "c", "3"), output("x", "c", "4")],
    [output("a", "r", "5"), output("b", "r", null), output("a", "r", "6"), output("y", "r", "7")],
  );
  deepStrictEqual(comparisons.map((c) => [c.instruction, c.output_1, c.output_2]), [
    ["b", null, "1"],
    ["a", "5", "2"],
    ["a", "6", "3"],
  ]);
  deepStrictEqual(unpaired, ["x", "y"]);
});
