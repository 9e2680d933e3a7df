/**
 * The `fetch` that the hub's library works with: it shows the token to the hub alone, asks again
 * where that can help, goes on where a line was cut, and says what a refusal means.
 *
 * Does NOT know of caches, of checkpoints or of what files are for.
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** Where and how to reach the hub. Every default is the environment variable HF tools use. */
export interface ConnectionOptions {
  /** Default HF_ENDPOINT, else https://huggingface.co: a mirror goes here. */
  endpoint?: string;
  /** Default HF_TOKEN, else the token that `hf auth login` has stored. */
  token?: string;
  /** Default HF_HUB_OFFLINE: use what the cache has and ask nobody. */
  offline?: boolean;
  /** Wait before the first repetition, in milliseconds; doubled each time. Default 1000. */
  retryDelay?: number;
  signal?: AbortSignal;
}

/** The revision that a request is about, for the sentence of its error. */
export interface Subject {
  readonly kind: "model" | "dataset";
  readonly name: string;
  readonly revision: string;
}

/** The way to one hub. */
export interface Connection {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly offline: boolean;
  /**
   * A fetch whose answers are successful, or an error that says what to do. A body that is cut goes
   * on from there; where a server ignores the range asked for, what comes before it is passed over.
   */
  fetchFor(subject: Subject): typeof fetch;
}

const ATTEMPTS = 5;
/** A connection silent for so long is given up, and tried again. */
const SILENCE_MS = 60_000;

/** @throws Error for an endpoint or a token that cannot be one. Neither error shows it. */
export async function connect(options: ConnectionOptions = {}): Promise<Connection> {
  const { env } = process;
  const { retryDelay = 1000, signal } = options;
  const endpoint = (options.endpoint ?? (env.HF_ENDPOINT || "https://huggingface.co"))
    .replace(/\/+$/, "");
  if (!/^https?:\/\/[^\s@?#]+$/.test(endpoint) || !URL.canParse(endpoint)) {
    throw new Error(
      "Expected an address like https://huggingface.co as HF_ENDPOINT but found something else, or " +
        "one with a user's name or a query in it. A token goes into HF_TOKEN.",
    );
  }
  const token = options.token ?? (env.HF_TOKEN?.trim() || await storedToken());
  if (!/^[\x21-\x7e]*$/.test(token)) {
    throw new Error(
      "Expected a token (hf_…) in HF_TOKEN but found characters that none has. Copy it again.",
    );
  }

  /** Waits before repetition number `attempt` (from 1); false when there shall be no other. */
  const pause = async (attempt: number, retryAfter?: string | null) => {
    signal?.throwIfAborted();
    if (attempt >= ATTEMPTS) return false;
    const asked = Number(retryAfter ?? NaN) * 1000; // the other form, a date, is not used here
    const wait = Number.isFinite(asked) ? asked : retryDelay * 2 ** (attempt - 1);
    await sleep(Math.min(wait, 60_000), undefined, { signal });
    return true;
  };

  /** Asks until there is a good answer, whose body the timer ends unless it is refreshed. */
  const ask = async (url: string, init: RequestInit, subject: Subject) => {
    for (let attempt = 1;; attempt++) {
      const silence = new AbortController();
      const timer = setTimeout(() => silence.abort(new Error("a minute's silence")), SILENCE_MS);
      const either = AbortSignal.any([silence.signal, ...(signal ? [signal] : [])]);
      const answer = await fetch(url, { ...init, signal: either }).catch((error: Error) => error);
      if (answer instanceof Response && answer.ok) return { response: answer, timer };
      clearTimeout(timer);
      if (answer instanceof Error) {
        if (await pause(attempt)) continue;
        throw unreachable(answer, subject, endpoint);
      }
      await answer.body?.cancel();
      const isPassing = answer.status === 429 || answer.status >= 500;
      if (isPassing && await pause(attempt, answer.headers.get("retry-after"))) continue;
      throw refusal(answer, subject, endpoint);
    }
  };

  const fetchFor = (subject: Subject): typeof fetch => async (input, init = {}) => {
    const url = String(input);
    const headers = new Headers(init.headers);
    headers.set("accept-encoding", "identity"); // a range counts the bytes as they are sent
    // A storage host behind a redirect must not see the token either: fetch drops it there.
    if (token && new URL(url).origin === new URL(endpoint).origin) {
      headers.set("authorization", `Bearer ${token}`);
    }
    const [, begin = "0", end = ""] = headers.get("range")?.match(/^bytes=(\d+)-(\d*)$/) ?? [];
    const first = await ask(url, { ...init, headers }, subject);

    async function* body() {
      let { response, timer } = first;
      let next = Number(begin); // the first byte not yet given
      for (let attempt = 1;; attempt++) {
        try {
          let at = startOf(response, next);
          for await (const chunk of response.body ?? []) {
            timer.refresh();
            const fresh = chunk.subarray(Math.min(next - at, chunk.length));
            at += chunk.length;
            if (fresh.length === 0) continue;
            yield fresh;
            next = at;
            attempt = 1; // a line that is cut often still gets there
          }
          return;
        } catch (problem) {
          if (!await pause(attempt)) throw problem;
        } finally {
          clearTimeout(timer);
        }
        headers.set("range", `bytes=${next}-${end}`);
        ({ response, timer } = await ask(url, { ...init, headers }, subject));
      }
    }
    const { status, headers: answered } = first.response;
    return new Response(ReadableStream.from(body()), { status, headers: answered });
  };
  const offline = options.offline ?? /^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? "");
  return { endpoint, offline, fetchFor };
}

/** At which byte an answer begins, of which those from `asked` on are wanted. */
function startOf(response: Response, asked: number): number {
  if (response.status !== 206) return 0; // the range was ignored: everything comes again
  const start = Number(response.headers.get("content-range")?.match(/^bytes (\d+)-/)?.[1] ?? NaN);
  if (start <= asked) return start;
  throw new Error(`an answer from byte ${start} where ${asked} was asked for`);
}

function unreachable(cause: Error, { name }: Subject, endpoint: string): Error {
  // A storage host's address is signed, and may name a user. No cause is kept: it is shown too.
  const reason = cause.message.replace(/\?[^\s)]*/g, "").replace(/\/\/[^\s/]*@/g, "//");
  return new Error(
    `Expected an answer from ${endpoint} for ${name} but could not reach it (${reason}). Check the ` +
      "network, name a mirror in HF_ENDPOINT, or set HF_HUB_OFFLINE=1 to use what is already in " +
      "the cache.",
  );
}

/** What the hub's refusal means and what to do about it. */
function refusal({ status, headers }: Response, subject: Subject, endpoint: string): Error {
  const { kind, name, revision } = subject;
  const code = headers.get("x-error-code");
  const page = `${endpoint}/${kind === "dataset" ? "datasets/" : ""}${name}`;
  const setToken = "set HF_TOKEN to a read token of an account that may read it " +
    `(${endpoint}/settings/tokens)`;
  const [expected, found, remedy] = code === "GatedRepo"
    ? ["gated ", "no access", `Accept its terms at ${page}, then ${setToken}.`]
    : code === "RevisionNotFound"
    ? ["", "no such revision", `Choose a branch, tag or commit listed at ${page}/tree/main.`]
    : status === 401 || status === 403 || status === 404 // to strangers, private is like missing
    ? ["", "none such that may be read", `Check the name; if it is private, ${setToken}.`]
    : status === 429
    ? ["", "too many requests", "Wait some minutes; a token in HF_TOKEN raises the limit."]
    : ["", "a fault of the server", "Try again later or name a mirror in HF_ENDPOINT."];
  return new Error(
    `Expected the ${expected}${kind} ${name} (revision ${revision}) from ${endpoint} but found ` +
      `${found} (HTTP status ${status}). ${remedy}`,
  );
}

async function storedToken(): Promise<string> {
  const { HF_HOME, HF_TOKEN_PATH, XDG_CACHE_HOME } = process.env;
  const home = HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface");
  // Nobody has logged in where there is none: public repositories need no token.
  return (await readFile(HF_TOKEN_PATH ?? join(home, "token"), "utf8").catch(() => "")).trim();
}
