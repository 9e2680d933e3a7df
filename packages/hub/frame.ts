/**
 * Messages over a pipe between two processes: JSON, and beside it numbers that would be slow as
 * JSON. Before both stand their lengths in bytes. Knows nothing of what is said.
 */

/** Bytes of a message's head. */
export const HEAD = 8;

export interface Frame {
  // deno-lint-ignore no-explicit-any -- both ends are this package's
  readonly json: any;
  readonly data: Float32Array;
}

/** A message's bytes. */
export function encodeFrame(json: unknown, data: Float32Array = new Float32Array()): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(json));
  const bytes = new Uint8Array(HEAD + text.length + data.byteLength);
  new Uint32Array(bytes.buffer, 0, 2).set([text.length, data.byteLength]);
  bytes.set(text, HEAD);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), HEAD + text.length);
  return bytes;
}

/** The lengths that a head names: of the JSON, and of the numbers. */
export function lengthsOf(head: Uint8Array): [number, number] {
  const [text, data] = new Uint32Array(new Uint8Array(head).buffer);
  return [text!, data!];
}

/** What follows a head, copied: the numbers may begin anywhere. */
export function decodeBody(body: Uint8Array, [text]: [number, number]): Frame {
  const json = JSON.parse(new TextDecoder().decode(body.subarray(0, text)));
  return { json, data: new Float32Array(new Uint8Array(body.subarray(text)).buffer) };
}
