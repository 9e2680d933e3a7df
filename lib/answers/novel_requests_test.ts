import assert from "node:assert/strict";
import { createWorld, documents, recipe } from "@implicit/world";
import {
  composed,
  gradeComposed,
  type Named,
  named,
  namedGrader,
  nameSorts,
  unseenNames,
} from "./novel_requests.ts";

const world = createWorld(recipe.worldSeed);
const requests = composed(world, 2);

Deno.test("gradeComposed() takes both answers in either order, and nothing else", () => {
  assert.equal(requests.length, 16);
  for (const request of requests) {
    const [one, two] = request.parts.map(({ plainResponse }) => plainResponse) as [string, string];
    const all = { first: true, second: true, clean: true };
    assert.deepEqual(gradeComposed(world, request, `${one}\n${two}`), all, request.instruction);
    assert.deepEqual(gradeComposed(world, request, `${two}\n${one}`), all);
    const more = `${one}\n${two}\nWe have a long way to go.`;
    assert.deepEqual(gradeComposed(world, request, more), { ...all, clean: false });
    const half = { first: false, second: true, clean: false };
    assert.deepEqual(gradeComposed(world, request, two), half);
  }
  const none = { first: false, second: false, clean: false };
  assert.deepEqual(gradeComposed(world, requests[0]!, ""), none);
});

/** The task's own response with the request's names in it. */
function rewritten({ task, renamed }: Named): string {
  return [...renamed].reduce((text, [from, to]) => {
    const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
    return text.replace(new RegExp(`\\b${from}\\b`, "g"), `_${to}`)
      .replace(new RegExp(`\\b${capital(from)}\\b`, "g"), `_${capital(to)}`);
  }, task.plainResponse).replaceAll("_", "");
}

Deno.test("namedGrader() takes what is said for free, and names as they were asked for", () => {
  const grade = namedGrader(world);
  const right = { kind: true, form: true };
  for (const sort of nameSorts) {
    const asked = named(world, sort, 4);
    assert.equal(asked.length, 28);
    for (const request of asked) {
      assert.deepEqual(grade(request, rewritten(request)), right, request.instruction);
      assert.deepEqual(grade(request, "I heard that in the market."), { kind: false, form: false });
      if (sort === "seen") continue;
      // The names of the world in place of those asked for: the right kind, and no more.
      assert.deepEqual(grade(request, request.task.plainResponse), { kind: true, form: false });
    }
  }
  const [zebra] = named(world, "unseen", 1);
  assert.match(zebra!.instruction, /zebra/);
  assert.deepEqual(grade(zebra!, "The zebra eats plums. Its home is the quarry."), right);
  assert.equal(grade(zebra!, "The zebra eats plums. The zebra eats plums.").form, false);
  assert.equal(grade(zebra!, "The zebra eats stones.").form, false);
  assert.equal(grade(zebra!, "The zebra lives in the marsh.").kind, false);
});

Deno.test("no document has an unseen name, or two requests in one", () => {
  const forbidden = new RegExp(`\\b(${unseenNames.join("|")})\\b`);
  const inOne = /, and (tell|write|what|how) /;
  assert(requests.every(({ instruction }) => inOne.test(instruction)));
  let count = 0;
  for (const document of documents(world, 1)) {
    assert.doesNotMatch(document, forbidden);
    assert.doesNotMatch(document, inOne);
    if (++count === 3000) break;
  }
});
