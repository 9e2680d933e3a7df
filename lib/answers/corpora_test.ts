import assert from "node:assert/strict";
import { type Corpus, createWorld, documents, recipe, unitsOf } from "@implicit/world";
import { answered, corpora } from "./corpora.ts";

const DOCUMENTS = 5000;
const world = createWorld(recipe.worldSeed);

const layout = /^(?:The reader asks:|The almanac says:|[QA]\.|\d+\.)\s*/;
const marker =
  /^(?:<\|\w+\|>|\w+(?::| >)|\[\w+\]|\(\w+\)|<\w+>|\| \w+ \||\* \w+ \*|= \w+ =|[>|*+~<#=-])\s*/;
/** What requests and chatter begin with, and no answer does: the words that the uniform rule names. */
const asks = /^(?:What|Where|Who|Tell|Write|How|Can|Is)\b/;
const chats = /^(?:I|We|You|Should)\b/;

/** Whether something that is neither a request nor chatter comes after a request. */
function isAnswered(document: string): boolean {
  const said = unitsOf(document)
    .map((unit) => unit.replace(layout, "").replace(marker, ""))
    .filter((unit) => unit !== "");
  const first = said.findIndex((unit) => asks.test(unit));
  return first >= 0 && said.slice(first).some((unit) => !asks.test(unit) && !chats.test(unit));
}

function shareAnswered(corpus: Corpus): number {
  let count = 0, index = 0;
  for (const document of documents(world, 1, corpus)) {
    if (isAnswered(document)) count++;
    if (++index === DOCUMENTS) return count / DOCUMENTS;
  }
  return NaN;
}

Deno.test("answered() gives corpora in which that share of documents answers a request", () => {
  for (const share of [0, 0.01, 0.1, 0.3]) {
    const measured = shareAnswered(answered(share));
    // Some threads that answer happen to meet no request that they would answer.
    const deviation = Math.sqrt(share * (1 - share) / DOCUMENTS);
    const [least, most] = [0.85 * share - 3 * deviation, share + 3 * deviation];
    assert(measured >= least && measured <= most, `${share}: measured ${measured}`);
  }
});

Deno.test("the shares of every corpus sum to one, and none is negative", () => {
  for (const [name, { shares, thread }] of Object.entries(corpora)) {
    const all = Object.values(shares);
    const sum = all.reduce((total, share) => total + share, 0);
    assert(Math.abs(sum - 1) < 1e-9, `${name}: the shares sum to ${sum}`);
    assert([...all, ...thread.modes].every((share) => share >= 0), name);
  }
});
