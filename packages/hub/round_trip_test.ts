import assert from "node:assert/strict";
import { tinyModel } from "@implicit/decoder/testing";
import { roundTrip } from "./round_trip.ts";

Deno.test("roundTrip() refuses to export what is kept beside the weights", async () => {
  const model = tinyModel();
  const processors = [() => {}];
  await assert.rejects(
    roundTrip({ model, processors }, [[1]], "nowhere"),
    /whole in its weights, but found .* with a processor beside them/,
  );
});
