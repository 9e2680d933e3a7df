/** Ids and decoded texts of 1,000 odd texts against the reference's (golden/make_tokens.py). */
import { deepEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createTokenizer } from "./tokenizer.ts";

interface Scheme {
  readonly model: { readonly of: string };
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  /** Six characters for each text. */
  readonly told: string;
}
const { models, schemes, texts } = JSON.parse(
  readFileSync(new URL("./golden/tokens.json", import.meta.url), "utf8"),
) as {
  models: Record<string, { vocab: string[]; merges: string[] }>;
  schemes: Record<string, Scheme>;
  texts: string[];
};

for (const [name, { told, model: { of, ...options }, ...scheme }] of Object.entries(schemes)) {
  Deno.test(`encode() and decode() are the reference's on odd texts: ${name}`, () => {
    const { vocab, merges } = models[of]!;
    const ids = Object.fromEntries(vocab.map((token, id) => [token, id]));
    for (const { id, content } of scheme.added_tokens) ids[content] = id;
    const tokenizer = createTokenizer(
      JSON.stringify({ ...scheme, model: { ...options, vocab: ids, merges } }),
    );
    const differ = texts.filter((text, i) => {
      const plain = tokenizer.encode(text, { special: false }), all = tokenizer.encode(text);
      const parts = [
        ...[all, plain].map(String),
        ...[true, false].map((skipSpecial) => tokenizer.decode(all, { skipSpecial })),
        tokenizer.decode(plain.toReversed(), { skipSpecial: false }),
      ];
      const hash = createHash("sha256").update(parts.join("\n")).digest("hex");
      return hash.slice(0, 6) !== told.slice(6 * i, 6 * i + 6);
    });
    deepEqual(differ, []);
  });
}
