/**
 * Reads back what came of a hand-over: is each run done, and is it the run that was handed over?
 * Whatever is not whole, or not what it was, is named. Nothing that comes back is trusted.
 *
 * Does NOT know what answers are worth.
 */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { parse } from "yaml";
import { z } from "zod";
import type { Handover, ListedRun } from "./folder.ts";
import type { Plan } from "./plan.ts";

/** An answer, without what ended it. */
export interface HandedAnswer {
  readonly id: string;
  readonly instruction: string;
  readonly tokens: readonly number[];
  readonly stopped: boolean;
}

/** A run that was handed over, and what there is of it. */
export interface CollectedRun {
  readonly run: ListedRun;
  readonly state: "done" | "partial" | "missing" | "differs";
  /** What is partial, missing or different; "" where all is done. */
  readonly detail: string;
  /** Of each step, in full precision. */
  readonly losses: readonly number[];
  readonly answers: readonly HandedAnswer[];
  /** Where the model lies, whole and checked; null without one. */
  readonly model: string | null;
  /** What it was computed by, in one line, and how long training took. */
  readonly engine: string;
  readonly seconds: number;
}

/** Something is not what was handed over, or what was sent off. */
class Differs extends Error {}

const text = z.string();
const handover = z.object({
  model: z.looseObject({ name: text }),
  runs: z.array(z.looseObject({
    name: z.string().regex(/^[\w.+-]+$/),
    plan: text.nullable(),
    prompts: text,
    rules: text.nullable(),
  })),
  files: z.record(z.string(), text),
});
const about = z.object({
  run: text,
  plan: text,
  rows: text,
  seconds: z.number(),
  processes: z.int(),
  device: text,
  versions: z.record(z.string(), z.string()),
  files: z.record(z.string().regex(/^[\w.-]+$/), text), // in the output's folder and nowhere else
});
const trainerState = z.object({
  global_step: z.int(),
  log_history: z.array(z.looseObject({ loss: z.number().optional() })),
});
const answer = z.object({
  id: text,
  tokens: z.array(z.int().min(0)),
  stopped: z.boolean(),
  model: text.nullable(),
  prompts: text,
  rules: text.nullable(),
});

/**
 * Reads every run of a folder that `writeHandover` has written.
 *
 * @throws where the folder has no whole handover.json; what is wrong with a run is in its row.
 * @example
 * for (const { run, state, detail } of await collectRuns("out")) console.log(run.name, state, detail);
 */
export async function collectRuns(folder: string): Promise<CollectedRun[]> {
  const path = join(folder, "handover.json");
  const found = handover.safeParse(await readJson(path));
  if (!found.success) {
    throw new Error(`Expected a hand-over in ${folder}, but found no whole handover.json there.`);
  }
  const known = found.data as unknown as Handover;
  const hashes = new Map<string, Promise<string | null>>();
  const hashOf = (name: string) => {
    if (!hashes.has(name)) hashes.set(name, fileHash(join(folder, name)));
    return hashes.get(name)!;
  };
  const runs: CollectedRun[] = [];
  for (const run of known.runs) {
    const nothing = { run, losses: [], answers: [], model: null, engine: "", seconds: 0 };
    try {
      runs.push({ ...nothing, ...await readRun(folder, known, run, hashOf) });
    } catch (error) {
      if (!(error instanceof Differs)) throw error;
      runs.push({ ...nothing, state: "differs", detail: error.message });
    }
  }
  return runs;
}

async function readRun(
  folder: string,
  known: Handover,
  run: ListedRun,
  hashOf: (name: string) => Promise<string | null>,
): Promise<Omit<CollectedRun, "run">> {
  const { files } = known;
  const sent = async (name: string) => {
    const found = await hashOf(name);
    if (found !== files[name]) throw new Differs(differing(name, files[name], found));
  };
  const plan = run.plan === null ? null : await readJson(join(folder, run.plan)) as Plan | null;
  if (plan && plan.run !== run.name) {
    throw new Differs(`${run.plan} is the plan of ${plan.run}`);
  }
  const needed = [run.plan, run.prompts, run.rules].filter((name) => name !== null);
  for (const name of needed) await sent(name);
  for (const name of plan ? [plan.rows, ...plan.adapters] : []) await sent(name);
  if (plan) await checkSettings(folder, run.name, plan);

  const output = join(folder, "runs", run.name, "output");
  const trained = plan && await readTraining(output, run, plan, files);
  const answers = await readAnswers(folder, output, run, known);
  const asked = (await readFile(join(folder, run.prompts), "utf8")).trim().split("\n").length;
  const parts = [
    ...trained && trained.steps < run.steps ? [`${trained.steps} of ${run.steps} steps`] : [],
    ...answers.length < asked ? [`${answers.length} of ${asked} answers`] : [],
  ];
  const isMissing = answers.length === 0 && !trained?.steps;
  return {
    state: parts.length === 0 ? "done" : isMissing ? "missing" : "partial",
    detail: parts.join(", "),
    losses: trained?.losses ?? [],
    answers,
    model: trained?.steps === run.steps && trained ? output : null,
    engine: [trained?.engine, answers.length > 0 && "vLLM"].filter(Boolean).join("; "),
    seconds: trained?.seconds ?? 0,
  };
}

/** @throws Differs where a setting that changes what is learnt is not the plan's */
async function checkSettings(folder: string, name: string, plan: Plan): Promise<void> {
  const yaml = `runs/${name}/sft.yaml`;
  const found: unknown = parse(await readFile(join(folder, yaml), "utf8").catch(() => ""));
  for (const [field, value] of Object.entries(plan.settings)) {
    const other = (found as Record<string, unknown> | null)?.[field];
    if (other !== value) throw new Differs(`${yaml}: ${field} is ${other}, not ${value}`);
  }
}

/** Steps that are done; the losses and origin of a training that is. */
async function readTraining(
  output: string,
  run: ListedRun,
  plan: Plan,
  files: Handover["files"],
) {
  const done = about.safeParse(await readJson(join(output, "about.json")));
  if (!done.success) {
    if (existsSync(join(output, "about.json"))) {
      throw new Differs(`about.json of ${run.name} is cut`);
    }
    return { steps: await stepsSoFar(output), losses: [], engine: "", seconds: 0 };
  }
  const { data } = done;
  if (data.run !== run.name) throw new Differs(`runs/${run.name}/output is that of ${data.run}`);
  if (data.plan !== files[run.plan!]) {
    throw new Differs(`trained by ${differing(run.plan!, files[run.plan!], data.plan)}`);
  }
  if (data.rows !== plan.sha256) throw new Differs(differing("its rows", plan.sha256, data.rows));
  for (const [name, hash] of Object.entries(data.files)) {
    const found = await fileHash(join(output, name));
    if (found !== hash) {
      throw new Differs(differing(`runs/${run.name}/output/${name}`, hash, found));
    }
  }
  const state = trainerState.safeParse(await readJson(join(output, "trainer_state.json")));
  const losses = (state.data?.log_history ?? []).flatMap(({ loss }) => loss ?? []);
  const versions = Object.entries(data.versions).map((entry) => entry.join(" ")).join(", ");
  return {
    steps: losses.length,
    losses,
    engine: `${versions}; ${data.processes} × ${data.device}`,
    seconds: data.seconds,
  };
}

/** How far a training without its end has come, by the checkpoints that it left. */
async function stepsSoFar(output: string): Promise<number> {
  const names = await readdir(output).catch(() => [] as string[]);
  const steps = await Promise.all(
    names.filter((name) => /^checkpoint-\d+$/.test(name)).map(async (name) =>
      trainerState.safeParse(await readJson(join(output, name, "trainer_state.json"))).data
        ?.global_step ?? 0
    ),
  );
  return Math.max(0, ...steps);
}

/** The answers that are whole lines, each once and to a prompt that was asked. */
async function readAnswers(
  folder: string,
  output: string,
  run: ListedRun,
  { files, model }: Handover,
): Promise<HandedAnswer[]> {
  const lines = await readFile(join(output, "answers.jsonl"), "utf8").catch(() => "");
  const asked = (await readFile(join(folder, run.prompts), "utf8")).trim().split("\n")
    .map((line) => JSON.parse(line) as { id: string; instruction: string });
  const found = new Map<string, Omit<HandedAnswer, "instruction">>();
  for (const line of lines.split("\n").slice(0, -1)) { // what has no end was cut
    const row = answer.safeParse(parseJson(line)).data;
    if (!row || !asked.some(({ id }) => id === row.id)) {
      throw new Differs(`answers.jsonl of ${run.name}: "${line.slice(0, 60)}" is no answer`);
    }
    if (row.prompts !== files[run.prompts]) {
      throw new Differs(`answers to ${differing(run.prompts, files[run.prompts], row.prompts)}`);
    }
    const rules = run.rules === null ? null : files[run.rules]!;
    if (row.rules !== rules) {
      throw new Differs(`answers under ${differing(run.rules ?? "no rules", rules, row.rules)}`);
    }
    const leaf = run.plan === null ? model.name.split("/").at(-1)! : run.name;
    if (!row.model?.split("/").some((part) => part === leaf || part.endsWith(`--${leaf}`))) {
      throw new Differs(`answers of ${run.name} are those of ${row.model}`);
    }
    found.set(row.id, { id: row.id, tokens: row.tokens, stopped: row.stopped });
  }
  return asked.flatMap(({ id, instruction }) => {
    const one = found.get(id);
    return one ? [{ ...one, instruction }] : [];
  });
}

const short = (hash: string | null | undefined) => hash ? hash.slice(0, 12) : "nothing";
const differing = (what: string, expected?: string | null, found?: string | null) =>
  `${what}: sha256 ${short(found)}, not ${short(expected)}`;

/** sha256 of a file; null where there is none. */
async function fileHash(path: string): Promise<string | null> {
  if (!existsSync(path)) return null;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

const readJson = async (path: string) => parseJson(await readFile(path, "utf8").catch(() => ""));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
