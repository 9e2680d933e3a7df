import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeMessage, encodeMessage } from "./message.ts";

const request = encodeMessage("execute_request", { code: "1" }, "secret", "session");
const frames = request.frames.map((frame) => Buffer.from(frame));

Deno.test("decodeMessage() reads what encodeMessage() wrote, behind any addresses", () => {
  const message = decodeMessage([Buffer.from("address"), ...frames], "secret");
  assert.deepEqual(message, {
    type: "execute_request",
    id: request.id,
    parentId: "",
    content: { code: "1" },
  });
});

Deno.test("decodeMessage() refuses another key's signature, a changed part, and half a message", () => {
  assert.throws(() => decodeMessage(frames, "other"), /signed with the connection's key/);
  const forged = frames.with(-1, Buffer.from(`{"code":"2"}`));
  assert.throws(() => decodeMessage(forged, "secret"), /signed with the connection's key/);
  assert.throws(() => decodeMessage(frames.slice(0, 4), "secret"), /Expected a Jupyter message/);
});
