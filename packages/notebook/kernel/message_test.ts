import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeMessage, encodeMessage, withContent } from "./message.ts";

const request = encodeMessage("execute_request", { code: "1" }, {
  key: "secret",
  session: "session",
});
const frames = request.frames.map((frame) => Buffer.from(frame));

Deno.test("decodeMessage() reads what encodeMessage() wrote, behind any addresses", () => {
  const message = decodeMessage([Buffer.from("address"), ...frames], "secret");
  const { header, ...rest } = message;
  assert.equal(header.session, "session");
  assert.deepEqual(rest, {
    type: "execute_request",
    id: request.id,
    parentId: "",
    metadata: {},
    content: { code: "1" },
  });
});

Deno.test("withContent() changes what a message says, and signs it anew", () => {
  const changed = withContent(frames, { code: "2" }, "secret");
  assert.deepEqual(decodeMessage(changed, "secret").content, { code: "2" });
  assert.equal(decodeMessage(changed, "secret").id, request.id);
});

Deno.test("decodeMessage() refuses another key's signature, a changed part, and half a message", () => {
  assert.throws(() => decodeMessage(frames, "other"), /signed with the connection's key/);
  const forged = frames.with(-1, Buffer.from(`{"code":"2"}`));
  assert.throws(() => decodeMessage(forged, "secret"), /signed with the connection's key/);
  assert.throws(() => decodeMessage(frames.slice(0, 4), "secret"), /Expected a Jupyter message/);
});
