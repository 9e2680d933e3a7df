/**
 * Where the project lies, and what its environment asks for: every IMPLICIT_ variable is read here,
 * once for each study that is opened. Knows nothing of what is done with it.
 */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { checkBaseUrl } from "@implicit/alpaca-eval";
import type { WeightType } from "@implicit/decoder";

/** One of several machines, counted from 1, which share the work. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** What can be asked for from outside a notebook; `openStudy` takes options before it. */
export interface Settings {
  /** IMPLICIT_SEEDS: how many seeds; default 3. */
  readonly seeds: number;
  /** IMPLICIT_BASE: one of the scale's bases. */
  readonly base: string | null;
  /** IMPLICIT_MODEL: a hub id or checkpoint folder; it makes `small` the scale if none is named. */
  readonly model: string | null;
  /** IMPLICIT_DATA: "lima", "alpaca", or a file or folder of data; default "lima". */
  readonly data: string;
  /** IMPLICIT_JUDGE: the URL of an OpenAI-compatible endpoint; IMPLICIT_JUDGE_MODEL: its model. */
  readonly judge: { readonly baseUrl: string; readonly model: string | undefined } | null;
  /** IMPLICIT_SERVER: the URL of a vLLM server; IMPLICIT_SERVER_MODEL: what it calls the base. */
  readonly server: { readonly url: string; readonly served: string | undefined } | null;
  /** IMPLICIT_WEIGHTS: q8, and the real scales' models answer and score with 8-bit weights; default fp32. */
  readonly weights: WeightType;
  /** IMPLICIT_SHARD: "3/20", the third of twenty parts of what is to be computed; null: all of it. */
  readonly shard: Shard | null;
  /** IMPLICIT_CACHE: where finished runs are kept; default `.cache` in the project's folder. */
  readonly cache: string;
  /** IMPLICIT_FRESH=1: ignore what other processes have kept there. */
  readonly fresh: boolean;
  /** IMPLICIT_OUT: the folder to which `record` appends results; null: they are not kept. */
  readonly out: string | null;
}

/**
 * Reads the settings from the environment.
 *
 * @throws if IMPLICIT_SEEDS is no whole number from 1 to 100, IMPLICIT_WEIGHTS neither fp32 nor q8,
 *   IMPLICIT_SHARD no part such as 3/20, or IMPLICIT_JUDGE or IMPLICIT_SERVER no URL or one with a
 *   password or key in it.
 * @example
 * ```ts
 * const { cache, seeds } = readSettings();
 * ```
 */
export function readSettings(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const text = (name: string) => env[name] || null;
  const url = text("IMPLICIT_JUDGE"), server = text("IMPLICIT_SERVER");
  const seeds = Number(text("IMPLICIT_SEEDS") ?? 3);
  if (!Number.isInteger(seeds) || seeds < 1 || seeds > 100) {
    throw new Error(`Expected IMPLICIT_SEEDS from 1 to 100, but found ${env.IMPLICIT_SEEDS}.`);
  }
  const weights = text("IMPLICIT_WEIGHTS") ?? "fp32";
  if (weights !== "fp32" && weights !== "q8") {
    throw new Error(`Expected IMPLICIT_WEIGHTS to be fp32 or q8, but found ${weights}.`);
  }
  for (const one of [url, server]) if (one !== null) checkBaseUrl(one); // before it is shown anywhere
  return {
    seeds,
    base: text("IMPLICIT_BASE"),
    model: text("IMPLICIT_MODEL"),
    data: text("IMPLICIT_DATA") ?? "lima",
    judge: url === null ? null : { baseUrl: url, model: text("IMPLICIT_JUDGE_MODEL") ?? undefined },
    server: server === null
      ? null
      : { url: server, served: text("IMPLICIT_SERVER_MODEL") ?? undefined },
    weights,
    shard: text("IMPLICIT_SHARD") === null ? null : shardOf(text("IMPLICIT_SHARD")!),
    cache: text("IMPLICIT_CACHE") ?? join(projectRoot(), ".cache"),
    fresh: env.IMPLICIT_FRESH === "1",
    out: text("IMPLICIT_OUT"),
  };
}

/**
 * Reads "3/20".
 *
 * @throws if it is no part of a whole: 1/20 is the first, 20/20 the last.
 */
export function shardOf(text: string): Shard {
  const [, index, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index && of && index <= of) return { index, of };
  throw new Error(`Expected a shard from 1/20 to 20/20 (or of another number), but found ${text}.`);
}

/**
 * The folder that holds `deno.json` and `data/`, searched upwards from the working folder
 * (a kernel starts in `notebooks/`, a task in the project's folder).
 *
 * @throws if no parent folder holds both.
 * @example
 * ```ts
 * const paper = join(projectRoot(), "data", "paper.json");
 * ```
 */
export function projectRoot(from: string = process.cwd()): string {
  let folder = resolve(from);
  while (!(existsSync(join(folder, "deno.json")) && existsSync(join(folder, "data")))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new Error(
        `Expected ${from} to lie inside the project (a folder with deno.json and data/), but ` +
          "found neither there nor above: start the notebook or task from the project's folder.",
      );
    }
    folder = parent;
  }
  return folder;
}

/** The versions of the runtime. */
export function runtimeVersions(): Record<string, string> {
  const { deno, node, v8 } = process.versions as Record<string, string | undefined>;
  return { ...(deno ? { deno } : { node: node ?? "" }), v8: v8 ?? "" };
}
