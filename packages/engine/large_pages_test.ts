import assert from "node:assert/strict";
import process from "node:process";
import { onLargePages, ownMemory, type Range, without } from "./large_pages.ts";
import { address } from "./ort_api.ts";

Deno.test("without() takes what others cover from the ranges", () => {
  const ranges: Range[] = [[10, 20], [30, 40], [50, 60]];
  assert.deepEqual(without(ranges, []), ranges);
  assert.deepEqual(without(ranges, [[0, 5], [20, 30], [60, 70]]), ranges);
  assert.deepEqual(without(ranges, [[5, 12], [14, 15], [18, 35], [50, 60]]), [
    [12, 14],
    [15, 18],
    [35, 40],
  ]);
});

Deno.test({
  name: "onLargePages() finds the memory that was got, and leaves what lies in it",
  ignore: process.platform !== "linux",
  async fn() {
    const before = ownMemory();
    const array = await onLargePages(() =>
      Promise.resolve(new Float64Array(2 ** 23).map((_, i) => i))
    );
    const [from, to] = [Number(address(array)), Number(address(array)) + array.byteLength];
    const found = without(ownMemory(), before);
    assert.deepEqual(without([[from, to]], found), [], "the array lies in what was got");
    for (let look = 0; look < 5; look++) { // while it moves, and after
      assert.ok(array.every((value, i) => value === i));
      array[look] = look;
    }
  },
});
