import assert from "node:assert/strict";
import { estimateRun } from "./estimate.ts";

Deno.test("estimateRun() takes 6 FLOP and 4 bytes for a parameter that is not trained", () => {
  const size = { parameters: 1e9, layers: 1, hidden: 0, intermediate: 0, vocabulary: 0 };
  const all = estimateRun(size, [10], 1, 1, { launches: 0 });
  const none = estimateRun({ ...size, trained: 0 }, [10], 1, 1, { launches: 0 });
  assert.ok(Math.abs(none.minutes / all.minutes - 6 / 8) < 1e-12);
  assert.ok(Math.abs((all.gib - none.gib) * 2 ** 30 - 12e9) < 1);
});

Deno.test("estimateRun() takes no row to be faster than a GPU starts its kernels", () => {
  const size = { parameters: 1e6, layers: 10, hidden: 0, intermediate: 0, vocabulary: 0 };
  assert.equal(estimateRun(size, [10, 10, 10], 3, 1, { launches: 2 }).minutes, 1);
  assert.equal(
    estimateRun(size, [10, 10, 10], 3, 3, { launches: 2, bandwidth: 1e12 }).minutes,
    1 / 3,
  );
});
