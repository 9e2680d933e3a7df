import assert from "node:assert/strict";
import { showLaboratory } from "./laboratory.ts";

Deno.test("showLaboratory() says how to build a page that is not there", async () => {
  await assert.rejects(
    showLaboratory("rules", "/nowhere"),
    /Expected the page in \/nowhere, but found none: build it by "deno task page"\./,
  );
});
