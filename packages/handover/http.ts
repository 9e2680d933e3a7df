/**
 * Asking a server for JSON: again where that can help, never without an end, with a key that is read
 * from the environment and not shown. Does NOT know what is asked.
 */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** How a server is reached. */
export interface ServerOptions {
  /** Up to the version: "http://localhost:8000/v1". */
  readonly url: string;
  /** Name of the environment variable that holds the key; default VLLM_API_KEY. */
  readonly keyVariable?: string;
  /** Requests under way at once; default 32. */
  readonly concurrency?: number;
  /** Milliseconds until an answer counts as lost; default 600,000. */
  readonly timeout?: number;
  /** Attempts for each request; default 5. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, doubled for each further one; default 1000. */
  readonly backoff?: number;
}

/** Bytes that no answer has. */
const LONGEST_ANSWER = 1 << 26;

/**
 * GET of a path, or POST of a body.
 *
 * @throws where the server refuses (its words, without the key) or every attempt failed.
 */
export async function askServer(
  { url, keyVariable = "VLLM_API_KEY", timeout = 600_000, attempts = 5, backoff = 1000 }:
    ServerOptions,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  const key = process.env[keyVariable]?.trim() ?? "";
  const hidden = (text: string) => key.length < 4 ? text : text.replaceAll(key, "[key]");
  let reason = "";
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await sleep(backoff * 2 ** (attempt - 1), undefined, { signal });
    let status: number, text: string;
    try {
      const response = await fetch(`${url}/${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: {
          "content-type": "application/json",
          ...(key ? { authorization: `Bearer ${key}` } : {}),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: "error", // the key is for this address alone
        signal: AbortSignal.any([AbortSignal.timeout(timeout), ...signal ? [signal] : []]),
      });
      status = response.status;
      text = await textOf(response);
      if (response.ok) return JSON.parse(text);
    } catch (error) {
      signal?.throwIfAborted();
      reason = hidden((error as Error).message);
      continue;
    }
    reason = `status ${status}: ${hidden(text).slice(0, 300)}`;
    if (status < 500 && status !== 429 && status !== 408) {
      throw new Error(`Expected ${url} to answer ${path}, but found ${reason}.`);
    }
  }
  throw new Error(
    `Expected ${url} to answer ${path}, but found ${reason} at the last of ${attempts} attempts. ` +
      `Is the server still running?`,
  );
}

/** An answer's text. @throws where it does not end */
async function textOf({ body }: Response): Promise<string> {
  let bytes = 0;
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, rest) {
      if ((bytes += chunk.length) > LONGEST_ANSWER) throw new Error("an answer without an end");
      rest.enqueue(chunk);
    },
  });
  return await new Response(body?.pipeThrough(limit)).text();
}
