/** Examples for the tiny decoder of tests. */
import type { EncodedExample } from "../text/example.ts";

export { tinyModel } from "@implicit/decoder/testing";

/** Twenty examples of 6 to 25 tokens; the first third of each is no target. */
export function tinyExamples(): EncodedExample[] {
  return Array.from({ length: 20 }, (_, example) => {
    const ids = Array.from({ length: 6 + example }, (_, i) => 3 + ((example * 7 + i * i) % 45));
    return { ids, labels: ids.map((id, i) => (i < ids.length / 3 ? -100 : id)) };
  });
}
