/**
 * One message of the Jupyter protocol 5.3: the parts, their signature, and back.
 * (jupyter-client.readthedocs.io, "Messaging in Jupyter")
 *
 * Knows the envelope; it does not know sockets, kernels or what the contents mean.
 */
import { Buffer } from "node:buffer";
import { createHmac, randomUUID } from "node:crypto";

/** A JSON object whose fields are to be looked at one by one. */
export type Json = Record<string, unknown>;

export interface Message {
  readonly type: string;
  readonly id: string;
  /** `msg_id` of the request this answers, or "". */
  readonly parentId: string;
  readonly content: Json;
}

const DELIMITER = Buffer.from("<IDS|MSG>");

/** Encodes a request, signed with `key`; returns its id and frames. */
export function encodeMessage(
  type: string,
  content: Json,
  key: string,
  session: string,
): { id: string; frames: Uint8Array[] } {
  const id = randomUUID();
  const header = {
    msg_id: id,
    msg_type: type,
    session,
    username: "reader",
    date: new Date().toISOString(),
    version: "5.3",
  };
  const parts = [header, {}, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
  return { id, frames: [DELIMITER, Buffer.from(sign(parts, key)), ...parts] };
}

/**
 * Decodes a message and checks its signature.
 * @throws when the delimiter is missing, a part is not JSON, or the signature is not ours.
 */
export function decodeMessage(frames: readonly Buffer[], key: string): Message {
  const at = frames.findIndex((frame) => frame.equals(DELIMITER));
  const parts = frames.slice(at + 2, at + 6);
  if (at < 0 || parts.length < 4) {
    throw new Error(`Expected a Jupyter message but found ${frames.length} frames without one.`);
  }
  if (frames[at + 1]!.toString() !== sign(frames.slice(at + 2), key)) {
    throw new Error("Expected a message signed with the connection's key but found another.");
  }
  const [header, parent, , content] = parts.map((part) => JSON.parse(part.toString()) as Json);
  return {
    type: String(header!.msg_type),
    id: String(header!.msg_id),
    parentId: String(parent!.msg_id ?? ""),
    content: content!,
  };
}

function sign(parts: readonly Buffer[], key: string): string {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}
