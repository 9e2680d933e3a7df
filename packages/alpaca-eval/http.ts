/**
 * Asking an OpenAI-compatible endpoint politely and without fear: a limit on concurrency, retries
 * that honour `Retry-After`, every answer on disk as soon as it arrives, and a key that is read from
 * the environment, sent, and otherwise never seen. It does not know what is asked.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import writeFileAtomic from "write-file-atomic";

export interface Endpoint {
  /** Up to the version: "https://api.openai.com/v1", "http://localhost:8000/v1". */
  readonly baseUrl: string;
  /** Name of the environment variable that holds the key; unset, no key is sent. */
  readonly keyVariable?: string;
  /** Where answers are kept. */
  readonly cache: string;
  /** Requests under way at once. */
  readonly concurrency?: number;
  /** Milliseconds until an answer counts as lost. Long: giving up on a slow answer pays for it twice. */
  readonly timeout?: number;
  /** Attempts for each request, the first included. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt; doubled for each further one, at most a minute. */
  readonly backoff?: number;
}

/** A question, ready to send: path below the base URL and JSON body. */
export interface Question {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The endpoint refused this question (a status of 4xx that no second attempt mends). */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const LONGEST_WAIT = 10 * 60_000;

/** Milliseconds asked for by `Retry-After`: seconds or a date; 0 where there is none. */
function retryAfter(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return wait > 0 ? wait : 0;
}

/** Runs `work` on every item, at most `limit` at once; the first error stops the rest. */
export async function forEachConcurrently<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0, failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        await work(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: limit }, worker));
  const rejected = results.find((result) => result.status === "rejected");
  if (rejected) throw rejected.reason;
}

/** An endpoint with its cache. */
export class Client {
  readonly #endpoint: Required<Omit<Endpoint, "keyVariable">> & Pick<Endpoint, "keyVariable">;
  readonly #key: string;
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** Nobody asks before this time: one `Retry-After` holds for all. */
  #notBefore = 0;

  constructor(endpoint: Endpoint) {
    const url = new URL(endpoint.baseUrl);
    if (url.username || url.password || url.search) {
      throw new Error(
        `Expected a base URL without credentials but found some in that of ${url.host}: put the ` +
          "key into an environment variable and its name into keyVariable",
      );
    }
    this.#endpoint = {
      concurrency: 8,
      timeout: 300_000,
      attempts: 8,
      backoff: 1000,
      ...endpoint,
      baseUrl: endpoint.baseUrl.replace(/\/+$/, ""),
    };
    this.#key = endpoint.keyVariable ? (process.env[endpoint.keyVariable] ?? "").trim() : "";
    mkdirSync(this.#endpoint.cache, { recursive: true });
  }

  get concurrency(): number {
    return this.#endpoint.concurrency;
  }

  /** The answer on disk, or undefined. */
  cached(question: Question): unknown {
    const file = this.#file(question);
    if (!existsSync(file)) return undefined;
    try {
      return (JSON.parse(readFileSync(file, "utf8")) as { reply: unknown }).reply;
    } catch {
      throw new Error(`Expected an answer in ${file} but found something else: delete the file`);
    }
  }

  /**
   * The answer to a question: from disk if it was answered before, else from the endpoint. The same
   * question asked twice at once is sent once.
   *
   * @param fresh asks even if the answer is on disk
   * @param flaw says what a reply lacks (null if nothing); such a reply is asked for again, three
   *   times at most, and then kept as it is, since each may have been paid for
   * @returns the reply, and whether this call sent the question
   * @throws Refusal, or an Error where all attempts failed; neither holds the key
   */
  async ask(
    question: Question,
    { fresh = false, flaw = () => null, signal }: {
      readonly fresh?: boolean;
      readonly flaw?: (reply: unknown) => string | null;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<{ readonly reply: unknown; readonly sent: boolean }> {
    const known = fresh ? undefined : this.cached(question);
    if (known !== undefined) return { reply: known, sent: false };
    const file = this.#file(question);
    const other = this.#underWay.get(file);
    if (other) return { reply: await other, sent: false };
    const mine = this.#send(question, flaw, signal).then((reply) => {
      // Synchronously: nothing may come between an answer's arrival and its being on disk.
      const { baseUrl } = this.#endpoint;
      writeFileAtomic.sync(file, JSON.stringify({ asked: { baseUrl, ...question }, reply }));
      return reply;
    }).finally(() => this.#underWay.delete(file));
    this.#underWay.set(file, mine);
    return { reply: await mine, sent: true };
  }

  #file({ path, body }: Question): string {
    const asked = JSON.stringify([this.#endpoint.baseUrl, path, body]);
    return join(this.#endpoint.cache, createHash("sha256").update(asked).digest("hex") + ".json");
  }

  async #send(
    { path, body }: Question,
    flaw: (reply: unknown) => string | null,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const { baseUrl, attempts, backoff, timeout } = this.#endpoint;
    let reason = "", flawed = 0;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await this.#wait(backoff * 2 ** (attempt - 1), signal);
      while (Date.now() < this.#notBefore) {
        await this.#wait(this.#notBefore - Date.now(), signal);
      }
      signal?.throwIfAborted();
      try {
        const limit = AbortSignal.timeout(timeout);
        const response = await fetch(baseUrl + path, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            ...(this.#key ? { authorization: `Bearer ${this.#key}` } : {}),
          },
          body: JSON.stringify(body),
          signal: signal ? AbortSignal.any([signal, limit]) : limit,
        });
        const text = this.#redact(await response.text());
        if (!response.ok) {
          reason = `status ${response.status}`;
          if (!this.#mayPass(response, path, text)) continue;
        }
        const reply = JSON.parse(text) as { choices?: unknown[] } | null;
        // Some gateways say 200 and mean an error: that is no answer and must not be kept as one.
        reason = reply?.choices?.[0] ? flaw(reply) ?? "" : "a reply without choices";
        if (reason === "" || (reply?.choices?.[0] && ++flawed === 3)) return reply;
      } catch (error) {
        if (error instanceof Refusal || signal?.aborted) throw error;
        const { message, cause } = error as Error;
        const detail = cause instanceof Error ? ` (${cause.message})` : "";
        reason = this.#redact(message + detail);
      }
    }
    throw new Error(
      `Expected an answer from ${baseUrl}${path} but found ${reason} at the last of ${attempts} ` +
        "attempts: run again, what was answered is kept",
    );
  }

  /** Notes what a failed response asks for; throws where asking again is pointless. */
  #mayPass(response: Response, path: string, text: string): false {
    const { status, headers } = response;
    const name = `${this.#endpoint.baseUrl}${path}`;
    if (status === 401 || status === 403) {
      // The body is left out: some endpoints quote the key they refuse.
      const variable = this.#endpoint.keyVariable ?? "no variable (keyVariable is not set)";
      throw new Refusal(
        status,
        `Expected ${name} to accept the key from ${variable} but found ${status}`,
      );
    }
    if (status < 500 && ![408, 409, 425, 429].includes(status)) {
      throw new Refusal(
        status,
        `Expected an answer from ${name} but found ${status}: ${text.slice(0, 300)}`,
      );
    }
    const wait = retryAfter(headers.get("retry-after"));
    if (wait > LONGEST_WAIT) {
      throw new Refusal(
        status,
        `Expected ${name} to answer within ${LONGEST_WAIT / 60_000} minutes but found it asks to ` +
          `wait ${Math.round(wait / 60_000)}: run again later, what was answered is kept`,
      );
    }
    this.#notBefore = Math.max(this.#notBefore, Date.now() + wait);
    return false;
  }

  async #wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (milliseconds <= 0) return;
    // Up to a quarter more, so that workers stopped together do not come back together.
    const jitter = 1 + Math.random() / 4;
    await sleep(Math.min(milliseconds * jitter, LONGEST_WAIT), undefined, { signal });
  }

  /** Takes the key out of whatever came in, before it can reach a file, a log or an error. */
  #redact(text: string): string {
    return this.#key.length >= 4 ? text.replaceAll(this.#key, "[key]") : text;
  }
}
