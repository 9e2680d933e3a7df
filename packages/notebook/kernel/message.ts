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
  /** Says who sent it; it goes into every answer. */
  readonly header: Json;
  readonly metadata: Json;
  readonly content: Json;
}

/** What a message is signed with, and what it answers, if anything. */
export interface Envelope {
  readonly key: string;
  readonly session: string;
  /** The header of the request that is answered. */
  readonly parent?: Json;
  readonly metadata?: Json;
}

const DELIMITER = Buffer.from("<IDS|MSG>");

/** Encodes a message; returns its id and frames. */
export function encodeMessage(
  type: string,
  content: Json,
  { key, session, parent = {}, metadata = {} }: Envelope,
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
  const parts = [header, parent, metadata, content].map((part) =>
    Buffer.from(JSON.stringify(part))
  );
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
  const [header, parent, metadata, content] = parts.map((part) =>
    JSON.parse(part.toString()) as Json
  );
  return {
    type: String(header!.msg_type),
    id: String(header!.msg_id),
    parentId: String(parent!.msg_id ?? ""),
    header: header!,
    metadata: metadata!,
    content: content!,
  };
}

/** The frames of a message with another content, signed anew. */
export function withContent(frames: readonly Buffer[], content: Json, key: string): Buffer[] {
  const at = frames.findIndex((frame) => frame.equals(DELIMITER));
  const parts = frames.slice(at + 2).with(3, Buffer.from(JSON.stringify(content)));
  return [...frames.slice(0, at + 1), Buffer.from(sign(parts, key)), ...parts];
}

function sign(parts: readonly Buffer[], key: string): string {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}
