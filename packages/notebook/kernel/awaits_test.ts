import assert from "node:assert/strict";
import { markAwaits, objectLiteral } from "./awaits.ts";

Deno.test("markAwaits() marks every await, whatever types stand around it", () => {
  const marked = {
    "const a = await f(1);": "const a = await $wait((f(1)));",
    "await (a, b)": "await ($wait((a, b)))",
    "await await x": "await $wait((await $wait((x))))",
    "const n: number = (await f<Map<string, number>>(g)).size!":
      "const n: number = (await $wait((f<Map<string, number>>(g)))).size!",
    "const f = async (x?: string) => { for (;;) await x! }":
      "const f = async (x?: string) => { for (;;) await $wait((x))! }",
    "for await (const x of xs as Many) y(await x)":
      "for await (const x of $each((xs)) as Many) y(await $wait((x)))",
    "// é 𝒜\nconst s = `${await t}`": "// é 𝒜\nconst s = `${await $wait((t))}`",
  };
  for (const [code, expected] of Object.entries(marked)) assert.equal(markAwaits(code), expected);
});

Deno.test("markAwaits() leaves what it cannot read, and what only looks like an await", () => {
  for (const code of ["await (", "enum A { B }; await x", "'await x' // await y", "", "x.await"]) {
    assert.equal(markAwaits(code), code);
  }
});

Deno.test("objectLiteral() tells an object from a block", () => {
  assert.equal(objectLiteral(" { a: await b }"), "( { a: await b })");
  for (const code of ["{ const a = 1; }", "{ a: 1 };", "a"]) {
    assert.equal(objectLiteral(code), code);
  }
});
