import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { chooseBackend } from "./backends.ts";

const module = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;

Deno.test("chooseBackend() passes over packages that are not installed", async () => {
  await tf.ready();
  await chooseBackend({ "@tensorflow/no-such-backend": "none" });
  assert.equal(tf.getBackend(), "cpu");
});

Deno.test("chooseBackend() says which package is installed but does not load, or start", async () => {
  await tf.ready();
  const broken = module(`throw new Error("no binding")`);
  await assert.rejects(
    chooseBackend({ [broken]: "none" }),
    /"none", but found: no binding\. Install/,
  );
  tf.registerBackend("dud", () => {
    throw new Error("it needs a card");
  });
  await assert.rejects(
    chooseBackend({ [module("")]: "dud" }),
    /"dud", but found: it did not start/,
  );
  tf.removeBackend("dud");
  assert.equal(tf.getBackend(), "cpu");
});
