/**
 * The hub's HTTP: where it is, who asks, how often to ask again, and what each refusal means.
 *
 * Does NOT know of caches, of checkpoints or of what files are for.
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** Where and how to reach the hub. Every default is the environment variable HF tools use. */
export interface ClientOptions {
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

const ATTEMPTS = 5;

/** A connection silent for so long is given up, and tried again. */
export const SILENCE_MS = 60_000;

/** Which repository a request is about, for the sentence of its error. */
export interface Subject {
  readonly kind: "model" | "dataset";
  readonly name: string;
  readonly revision: string;
}

/** Asks the hub; answers come back successful or as an error that says what to do. */
export interface Client {
  readonly endpoint: string;
  readonly offline: boolean;
  /** @throws Error for a refusal, or when the hub cannot be reached after 5 attempts. */
  fetch(url: string, init: RequestInit, subject: Subject): Promise<Response>;
  /** Waits before repetition number `attempt` (from 1); null when there shall be no other. */
  pause(attempt: number, retryAfter?: string | null): Promise<true | null>;
}

/** @example const client = await createClient({ endpoint: "https://mirror.example" }); */
export async function createClient(options: ClientOptions = {}): Promise<Client> {
  const env = process.env;
  const endpoint = (options.endpoint ?? (env.HF_ENDPOINT || "https://huggingface.co"))
    .replace(/\/+$/, "");
  const offline = options.offline ?? /^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? "");
  const token = options.token ?? (env.HF_TOKEN?.trim() || await storedToken());
  const { retryDelay = 1000, signal } = options;

  const pause = async (attempt: number, retryAfter?: string | null) => {
    if (attempt >= ATTEMPTS) return null;
    const asked = Number(retryAfter ?? NaN) * 1000; // the other form, a date, is not used here
    const wait = retryDelay * 2 ** (attempt - 1);
    await sleep(Math.min(Number.isFinite(asked) ? asked : wait, 60_000), undefined, { signal });
    return true as const;
  };

  const fetchOnce = async (url: string, init: RequestInit) => {
    const headers = new Headers(init.headers);
    // Only to the hub itself: a storage host behind a redirect must not see the token, and fetch
    // drops the header when a redirect leads to another origin.
    if (token && new URL(url).origin === new URL(endpoint).origin) {
      headers.set("authorization", `Bearer ${token}`);
    }
    const silence = new AbortController(); // ends the wait for an answer, not the answer's body
    const timer = setTimeout(() => silence.abort(new Error("no answer")), SILENCE_MS);
    const signals = [silence.signal, ...(init.signal ? [init.signal] : [])];
    try {
      return await fetch(url, { ...init, headers, signal: AbortSignal.any(signals) });
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    endpoint,
    offline,
    pause,
    async fetch(url, init, subject) {
      for (let attempt = 1;; attempt++) {
        let response: Response;
        try {
          response = await fetchOnce(url, { signal, ...init });
        } catch (cause) {
          (init.signal ?? signal)?.throwIfAborted();
          if (await pause(attempt)) continue;
          throw new Error(
            `Expected an answer from ${endpoint} for ${subject.name} but could not reach it ` +
              `(${
                (cause as Error).message
              }). Check the network, name a mirror in HF_ENDPOINT, or ` +
              `set HF_HUB_OFFLINE=1 to use what is already in the cache.`,
            { cause },
          );
        }
        if (response.ok) return response;
        await response.body?.cancel();
        const isPassing = response.status === 429 || response.status >= 500;
        if (isPassing && await pause(attempt, response.headers.get("retry-after"))) continue;
        throw refusal(response, subject, endpoint, !!token);
      }
    },
  };
}

/** What the hub's refusal means and what to do about it. */
function refusal(response: Response, subject: Subject, endpoint: string, hasToken: boolean): Error {
  const { status } = response;
  const code = response.headers.get("x-error-code") ?? "";
  const { kind, name, revision } = subject;
  const page = `${endpoint}/${kind === "dataset" ? "datasets/" : ""}${name}`;
  if (code === "GatedRepo") {
    return new Error(
      `Expected access to the gated ${kind} ${name} but found ` +
        (hasToken ? "that this token's account has not been granted it" : "no token") +
        `. Accept the terms at ${page}, then set HF_TOKEN to a read token of that account ` +
        `(${endpoint}/settings/tokens).`,
    );
  }
  if (code === "RevisionNotFound") {
    return new Error(
      `Expected revision ${revision} of ${kind} ${name} but found none such. ` +
        `Choose a branch, tag or commit listed at ${page}/tree/main.`,
    );
  }
  if (code === "EntryNotFound") {
    return new Error(
      `Expected ${new URL(response.url).pathname} but found no such file. See ${page}/tree/main.`,
    );
  }
  if (status === 401 && hasToken && code !== "RepoNotFound") {
    return new Error(
      `Expected a valid token for ${kind} ${name} but ${endpoint} refused it (401). ` +
        `Make a new read token at ${endpoint}/settings/tokens and set HF_TOKEN, or unset it.`,
    );
  }
  if (status === 401 || status === 404) { // without a token the hub hides what does not exist
    return new Error(
      `Expected ${kind} ${name} at ${endpoint} but found no such repository (${status}). ` +
        `Check the name; if it is private, set HF_TOKEN to a token that may read it.`,
    );
  }
  if (status === 403) {
    return new Error(
      `Expected access to ${kind} ${name} but ${endpoint} forbids it (403). ` +
        `Give the token in HF_TOKEN read access to this repository.`,
    );
  }
  if (status === 429) {
    return new Error(
      `Expected ${name} from ${endpoint} but found too many requests (429), ${ATTEMPTS} times. ` +
        `Wait some minutes; a token in HF_TOKEN raises the limit.`,
    );
  }
  return new Error(
    `Expected ${name} from ${endpoint} but found HTTP status ${status}, ` +
      `${ATTEMPTS} times if it is the server's fault. Try again later or name a mirror in HF_ENDPOINT.`,
  );
}

async function storedToken(): Promise<string | undefined> {
  const env = process.env;
  const home = env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface");
  const path = env.HF_TOKEN_PATH ?? join(home, "token");
  const text = await readFile(path, "utf8").catch((error: { code?: string }) => {
    if (error.code === "ENOENT") return ""; // not logged in: public repositories need no token
    throw error;
  });
  return text.trim() || undefined;
}
