/**
 * Asking an OpenAI-compatible endpoint politely and without fear: a limit on concurrency, retries
 * that honour `Retry-After`, every answer on disk as soon as it arrives, and a key that is read from
 * the environment, sent, and otherwise never seen. It does not know what is asked.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { KeptAnswers } from "./answers.ts";
import {
  addressOf,
  type ChatBody,
  checkBaseUrl,
  fit,
  isDispensable,
  refusedParameter,
} from "./dialect.ts";
import { Key } from "./key.ts";
import { type FolderLock, lockFolder } from "./lock.ts";
import { faultOf, OF_ONE_TEXT, quotable, saidIn } from "./words.ts";

export interface Endpoint {
  /**
   * Up to the version: "https://api.openai.com/v1", "http://localhost:8000/v1"; of Azure,
   * "https://NAME.openai.azure.com/openai/deployments/NAME?api-version=2024-10-21".
   */
  readonly baseUrl: string;
  /** Name of the environment variable that holds the key; unset, no key is sent. */
  readonly keyVariable?: string;
  /** Folder where answers are kept. */
  readonly cache: string;
  /** Requests under way at once; default 8. */
  readonly concurrency?: number;
  /** Milliseconds until an answer counts as lost (and is paid for twice); default 300,000. */
  readonly timeout?: number;
  /** Attempts for each request, the first included; default 8. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, doubled for each further one; default 1000. */
  readonly backoff?: number;
}

/** The endpoint refused this question (a status of 4xx that no second attempt mends). */
export class Refusal extends Error {}

/** No further question can succeed, or be kept: key, credit, model or room on the disk are gone. */
export class Stop extends Error {}

/** The endpoint does not take a parameter, for whatever text. */
class ParameterRefusal extends Error {
  constructor(readonly field: string, message: string) {
    super(message);
  }
}

const LONGEST_WAIT = 10 * 60_000;
/** Bytes that a cache must have room for before the first question; an answer has some thousands. */
const TRIAL = 1 << 18;
/** Characters that no answer has. */
const LONGEST_ANSWER = 1 << 24;

/** Milliseconds asked for by `Retry-After`: seconds or a date; 0 where there is none. */
function retryAfter(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return wait > 0 ? wait : 0;
}

/** The text of an answer. @throws where it does not end */
async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > LONGEST_ANSWER) throw new Error("an answer without an end");
  }
  return text + decoder.decode();
}

/** An endpoint with its cache. */
export class Client {
  readonly #endpoint: Required<Endpoint>;
  /** Where requests go, and how messages and kept answers name that. */
  readonly #url: string;
  readonly #base: string;
  readonly #key: Key;
  readonly #needed: readonly string[];
  readonly #answers: KeptAnswers;
  /** Model → parameters that it refuses. */
  readonly #refused = new Map<unknown, string[]>();
  #isAnswered = false;
  #lock: FolderLock | null = null;
  /** Nobody asks before this time of `performance.now()`: one `Retry-After` holds for all. */
  #notBefore = 0;

  /** @param needed parameters without which an answer cannot be read */
  constructor(endpoint: Endpoint, needed: readonly string[] = []) {
    checkBaseUrl(endpoint.baseUrl);
    ({ url: this.#url, base: this.#base } = addressOf(endpoint.baseUrl));
    this.#endpoint = {
      keyVariable: "",
      concurrency: 8,
      timeout: 300_000,
      attempts: 8,
      backoff: 1000,
      ...endpoint,
    };
    this.#needed = needed;
    this.#answers = new KeptAnswers(endpoint.cache);
    this.#key = new Key(endpoint.keyVariable ?? "");
  }

  get concurrency(): number {
    return this.#endpoint.concurrency;
  }

  /**
   * Takes the cache for itself, once nobody else asks for it: two judges would pay twice.
   *
   * @returns a function that gives it back
   * @throws if answers cannot be kept there: that must be known before anything is paid
   */
  async own(): Promise<() => void> {
    const { cache } = this.#endpoint;
    try {
      mkdirSync(cache, { recursive: true });
      const lock = await lockFolder(cache);
      const trial = join(cache, ".trial");
      try {
        writeFileSync(trial, "x".repeat(TRIAL));
      } catch (error) {
        lock.release();
        throw error;
      } finally {
        rmSync(trial, { force: true });
      }
      this.#lock = lock;
      return () => lock.release();
    } catch (error) {
      throw new Error(
        `Expected a folder to keep answers in at ${cache} but found: ${
          (error as Error).message
        }. ` +
          "Nothing was asked: make room or name another folder",
      );
    }
  }

  /** The answer on disk, or undefined. */
  cached(body: ChatBody): unknown {
    const reply = this.#answers.get(this.#asked(body));
    if (reply !== undefined) this.#isAnswered = true;
    return reply;
  }

  /** The request as it is sent and kept: without what its model is known to refuse. */
  fit(body: ChatBody): ChatBody {
    return fit(body, this.#refusedBy(body.model));
  }

  /**
   * Asks until there is an answer, and keeps it on disk. A parameter that the model refuses, and that
   * the answer can do without, is left out from then on, with a line that says so.
   *
   * @param flaw says what a reply lacks (null if nothing); such a reply is asked for again, three
   *   times at most, and then kept as it is, since each may have been paid for
   * @throws Refusal, Stop, or an Error where all attempts failed; none holds the key
   */
  async ask(body: ChatBody, flaw: (reply: unknown) => string | null = () => null) {
    const { attempts, backoff, cache } = this.#endpoint;
    let reason = "", flawed = 0;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await this.#wait(backoff * 2 ** (attempt - 1));
      for (let left; (left = this.#notBefore - performance.now()) > 0;) await this.#wait(left);
      if (this.#lock?.isLost()) {
        throw new Stop(
          `Expected to be the only judge at work in ${cache} but found that another took over, as ` +
            "this one stood still for long",
        );
      }
      const sent = this.fit(body);
      try {
        const reply = await this.#send(sent);
        const choice = (reply as { choices?: unknown[] } | null)?.choices?.[0];
        reason = choice ? flaw(reply) ?? "" : "a reply without choices";
        if (reason !== "" && (!choice || ++flawed < 3)) continue;
        // Synchronously: nothing may come between an answer's arrival and its being on disk.
        this.#keep(this.#asked(sent), reply);
        this.#isAnswered = true;
        return reply;
      } catch (error) {
        if (error instanceof Refusal || error instanceof Stop) throw error;
        if (error instanceof ParameterRefusal) {
          this.#leaveOut(error, sent.model);
          attempt--; // nothing was asked yet
          continue;
        }
        const { message, cause } = error as Error;
        const whole = cause instanceof Error ? `${message} (${cause.message})` : message;
        reason = quotable(this.#key.redact(whole));
      }
    }
    throw new Error(
      `Expected an answer from ${this.#url} but found ${reason} at the last of ${attempts} attempts`,
    );
  }

  /** What this model refuses, as an earlier run or this one found out. */
  #refusedBy(model: unknown): string[] {
    const known = this.#refused.get(model);
    if (known) return known;
    const kept = this.#answers.get(this.#refusedOf(model));
    const refused = (Array.isArray(kept) ? kept : []).filter((field) =>
      isDispensable(field, this.#needed)
    );
    this.#refused.set(model, refused);
    if (refused.length > 0) this.#sayLeftOut(model, refused);
    return refused;
  }

  /** @throws Stop where the answer needs the parameter, or others were given with it */
  #leaveOut({ field, message }: ParameterRefusal, model: unknown): void {
    const refused = this.#refusedBy(model);
    if (refused.includes(field)) return; // a request beside this one found it out
    if (!isDispensable(field, this.#needed)) {
      const remedy = this.#needed.includes(field)
        ? "use settings that read the answer as text (data/judge/text_alpaca_eval_clf/configs.yaml)"
        : `take ${field} out of the settings`;
      throw new Stop(`${message}: ${remedy}`);
    }
    if (this.#isAnswered) {
      throw new Stop(
        `${message}: answers with and without it are not one judge's. Name another folder for the ` +
          "cache to judge all rows without it",
      );
    }
    const more = field === "logprobs" ? ["logprobs", "top_logprobs"] : [field];
    refused.push(...more);
    this.#keep(this.#refusedOf(model), refused);
    this.#sayLeftOut(model, more);
  }

  #sayLeftOut(model: unknown, fields: readonly string[]): void {
    const renamed = fields.includes("max_tokens")
      ? " (max_tokens goes as max_completion_tokens)"
      : "";
    process.emitWarning(
      `Expected ${this.#url} to take ${fields.join(", ")} for ${
        quotable(String(model))
      } but found ` +
        `it refused: asked without${renamed}`,
    );
  }

  /** @throws Stop where it cannot: the next answer would be paid and lost too */
  #keep(asked: unknown, reply: unknown): void {
    try {
      this.#answers.keep(asked, reply);
    } catch (error) {
      throw new Stop(
        `Expected to keep an answer in ${this.#endpoint.cache} but found: ` +
          (error as Error).message,
      );
    }
  }

  /** Names of what is kept: an answer, and what a model refuses. */
  #asked = (body: ChatBody) => ({ baseUrl: this.#base, body });
  #refusedOf = (model: unknown) => ({ baseUrl: this.#base, model, what: "refused parameters" });

  /** One attempt. @throws Refusal or Stop where asking again is pointless, an Error where it is not */
  async #send(body: ChatBody): Promise<unknown> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/json", ...this.#key.header(this.#url) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(this.#endpoint.timeout),
      redirect: "manual", // the key is for this address alone
    });
    const text = this.#key.redact(await textOf(response));
    const fail = (status: number, said: string, retry: string | null = null) =>
      this.#fail(status, said, retry, body);
    const moved = response.headers.get("location");
    if (moved && response.status < 400) {
      fail(response.status, `moved to ${this.#key.redact(moved)}`);
    }
    if (!response.ok) fail(response.status, text, response.headers.get("retry-after"));
    const reply = JSON.parse(
      text,
      (_, value) => typeof value === "string" ? this.#key.redact(value) : value,
    );
    // Some gateways say 200 and mean an error: that is no answer and must not be kept as one.
    const error = reply?.choices?.[0] ? reply.choices[0].error : reply?.error;
    if (error) {
      const code = Number(error.code);
      fail(code >= 400 && code < 600 ? code : 500, JSON.stringify({ error }));
    }
    return reply;
  }

  /** @throws what an answer with this status means, in the endpoint's own words */
  #fail(status: number, text: string, retry: string | null, body: ChatBody): never {
    const said = saidIn(text), wait = retryAfter(retry);
    const words = this.#key.unmask(said.words);
    const expected = (what: string) => `Expected ${this.#url} to ${what} but found `;
    const field = [400, 403, 422, 501].includes(status) ? refusedParameter(words, body) : null;
    if (field !== null && !OF_ONE_TEXT.test(words)) {
      throw new ParameterRefusal(field, `${expected(`take "${field}"`)}${status}: ${words}`);
    }
    switch (faultOf(status, said)) {
      case "key": {
        const key = this.#endpoint.keyVariable || "no variable (keyVariable is not set)";
        throw new Stop(`${expected(`accept the key from ${key}`)}${status}: ${words}`);
      }
      case "account": {
        const hint = /\/v\d|\/deployments\//.test(this.#url) ? "" : " (most base URLs end in /v1)";
        throw new Stop(`${expected("answer")}${status}: ${words}${hint}`);
      }
      case "text":
        throw new Refusal(`${expected("answer")}${status}: ${words}`);
    }
    if (wait > LONGEST_WAIT) {
      throw new Stop(
        `${expected(`answer within ${LONGEST_WAIT / 60_000} minutes`)}it asks to wait ` +
          `${Math.round(wait / 60_000)}: ${words}`,
      );
    }
    this.#notBefore = Math.max(this.#notBefore, performance.now() + wait);
    throw new Error(`status ${status}: ${words}`);
  }

  /** Waits up to a quarter longer, so that workers stopped together do not come back together. */
  async #wait(milliseconds: number): Promise<void> {
    await sleep(Math.min(milliseconds * (1 + Math.random() / 4), LONGEST_WAIT));
  }
}
