/**
 * Work that is killed at random moments and begun again: what it gives must be what it gives
 * unbroken, and nothing that was kept or paid may be lost. Knows the works' folders, not their code.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Loopback, startLoopback } from "@implicit/alpaca-eval/testing";
import { createOnnxDecoder } from "@implicit/decoder";
import { loadModel } from "@implicit/hub";
import { projectRoot } from "../../study/settings.ts";
import { type Random, randomOf } from "./mutate.ts";
import { judgeQuestions } from "./questions.ts";

/** What kills did to a kind of work. */
export interface KillFigures {
  readonly work: string;
  kills: number;
  /** How often it was let end after some kills. */
  endings: number;
  readonly faults: string[];
}

export interface KillOptions {
  readonly seed: number;
  /** How many there are to be, those of `before` among them. */
  readonly kills: number;
  /** What was found before: counted on. */
  readonly before?: KillFigures;
  readonly onKill?: (figures: KillFigures) => void;
}

/** A kind of work, in a folder of its own. */
interface Work {
  readonly args: (folder: string) => readonly string[];
  /** Makes what the work begins with. */
  readonly prepare?: (folder: string) => Promise<void>;
  /** Looks at what a killed process left. @throws where something is wrong or lost */
  readonly check?: (folder: string, kills: number) => Promise<void>;
  /** What came of it, beside what it says when it is done. */
  readonly result?: (folder: string) => Promise<string>;
}

const script = fileURLToPath(new URL("./work.ts", import.meta.url));
const workArgs = (...args: string[]) => ["run", "-A", "--quiet", "--no-check", script, ...args];

/** Connections of the judge that is killed: so many answers may be paid again after a kill. */
const CONNECTIONS = 4;

const tuning: Work = { args: (folder) => workArgs("tuning", folder) };

/** Runs that were kept stay as they are to the end. */
function study(): Work {
  const kept = new Map<string, string>();
  return {
    args: (folder) => workArgs("study", folder),
    check(folder) {
      const runs = join(folder, "kept", "runs");
      const names = existsSync(runs)
        ? readdirSync(runs).filter((name) => name.endsWith(".json"))
        : [];
      for (const name of names) {
        const path = join(runs, name), text = readFileSync(path, "utf8");
        if ((kept.get(path) ?? text) !== text) throw new Error(`${name} was kept and made again`);
        kept.set(path, text);
      }
      const lost = [...kept.keys()].find((path) => path.startsWith(runs) && !existsSync(path));
      if (lost) throw new Error(`${lost} was kept and is lost`);
      return Promise.resolve();
    },
  };
}

/** No more is paid than an answer to each question, and one a connection for each kill. */
function judging(server: Loopback): Work {
  return {
    prepare: () => Promise.resolve(server.answered.clear()),
    args: (folder) => workArgs("judging", folder, server.baseUrl),
    check(_folder, kills) {
      const paid = [...server.answered.values()].reduce((sum, times) => sum + times, 0);
      const most = judgeQuestions.length + CONNECTIONS * kills;
      if (paid > most) throw new Error(`${paid} answers were paid, ${most} at most were expected`);
      return Promise.resolve();
    },
  };
}

/** The folder holds the old model, the new one, or none; never the weights of one and the graph of the other. */
function exporting(): Work {
  const said = new Map<string, string>(); // weights → what their graph says
  return {
    async prepare(folder) {
      await run(workArgs("before", folder), "before");
      await this.check!(folder, 0);
    },
    args: (folder) => workArgs("export", folder),
    async check(folder) {
      const out = join(folder, "out");
      const loaded = await loadModel(out).catch((error: Error) => error);
      if (loaded instanceof Error) {
        if (/Expected .* found/s.test(loaded.message)) return;
        throw loaded;
      }
      const { model } = loaded;
      const decoder = await createOnnxDecoder(join(out, "onnx", "model.onnx"), model.config);
      const ids = await decoder.generate([[5, 70, 80], [9, 90]], { maxTokens: 12 });
      decoder.dispose();
      const text = ids.join(" | ");
      if ((said.get(model.hash) ?? text) !== text) {
        throw new Error("weights of one model, graph of another");
      }
      said.set(model.hash, text);
    },
  };
}

const NOTEBOOK = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells: [
    `console.log("a"); await new Promise((resolve) => setTimeout(resolve, 300));`,
    `const row = { section: "4.1", arm: "base", model: "m", seed: null, metric: "win-rate", value: 2,
  low: 1, high: 3, sd: null, n: 9, paper: 2.4, seconds: 1, engine: "e", hashes: {}, versions: {} };
Deno.writeTextFileSync(Deno.env.get("IMPLICIT_OUT") + "/results.jsonl", JSON.stringify(row) + "\\n");`,
  ].map((source, i) => (
    { cell_type: "code", id: `c${i}`, metadata: {}, execution_count: null, outputs: [], source }
  )),
};

/** Reproduction of a notebook: no kernel outlives it for long, and the results are there. */
const reproduce: Work = {
  async prepare(folder) {
    await mkdir(join(folder, "notebooks"));
    await writeFile(join(folder, "notebooks", "00 toy.ipynb"), JSON.stringify(NOTEBOOK));
  },
  args: (folder) => [
    ...["run", "-A", "--quiet", "--no-check", join(projectRoot(), "tasks", "reproduce.ts")],
    ...["--notebooks", join(folder, "notebooks"), "--out", join(folder, "out")],
  ],
  async check(folder) {
    for (let waited = 0; waited < 50; waited++) {
      if (orphansOf(join(folder, "out")).length === 0) return;
      await sleep(200);
    }
    for (const pid of orphansOf(join(folder, "out"))) process.kill(pid, "SIGKILL");
    throw new Error("a kernel still ran ten seconds after its parent was killed");
  },
  result: (folder) => readFile(join(folder, "out", "results.json"), "utf8"),
};

/** Processes that have this folder in their environment, where the system shows it. */
function orphansOf(folder: string): number[] {
  if (!existsSync("/proc/self/environ")) return [];
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`IMPLICIT_OUT=${folder}\0`);
    } catch {
      return false; // gone, or another user's
    }
  });
}

export const workNames = ["tuning", "study", "judging", "export", "reproduce"] as const;
export type WorkName = typeof workNames[number];

/**
 * Kills a kind of work so many times at moments drawn by a seed.
 *
 * @example
 * const { kills, faults } = await killWork("tuning", { seed: 1, kills: 40 });
 */
export async function killWork(name: WorkName, options: KillOptions): Promise<KillFigures> {
  const { seed, kills, before, onKill } = options;
  await using server = await startLoopback({ delay: 20 });
  const works = {
    tuning,
    study: study(),
    judging: judging(server),
    export: exporting(),
    reproduce,
  };
  const work = works[name];
  const figures: KillFigures = structuredClone(before) ??
    { work: name, kills: 0, endings: 0, faults: [] };
  if (figures.kills >= kills) return figures;
  const folders: string[] = [];
  const begin = async () => {
    const folder = await mkdtemp(join(tmpdir(), `trust-${name}-`));
    folders.push(folder);
    await work.prepare?.(folder);
    return folder;
  };
  try {
    const first = await begin();
    let whole = await run(work.args(first), name); // how long it takes, as of the last time
    const expected = whole.said + await work.result?.(first);
    while (figures.kills < kills) {
      const random = randomOf(`${name} ${seed} ${figures.kills}`);
      const folder = await begin();
      const goal = figures.kills + 1 + random(5);
      const earlier = figures.kills;
      const look = () => work.check?.(folder, figures.kills - earlier);
      try {
        for (let ended = false; !ended;) {
          const isLast = figures.kills >= Math.min(goal, kills);
          const ran = await run(work.args(folder), name, isLast ? null : momentIn(random, whole));
          await look();
          ended = !ran.killed;
          if (ran.killed) {
            figures.kills++;
            onKill?.(figures);
            continue;
          }
          whole = { ...ran, ended: Math.max(ran.ended, whole.ended / 2) };
          if (ran.said + await work.result?.(folder) !== expected) {
            throw new Error("another result than unbroken");
          }
        }
        figures.endings++;
      } catch (error) {
        const { message } = error as Error;
        if (!figures.faults.includes(message)) figures.faults.push(message);
        if (figures.kills === earlier) figures.kills++; // a work that always fails ends, too
      }
    }
  } finally {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
  return figures;
}

interface Ran {
  /** What it said when it was done. */
  readonly said: string;
  readonly killed: boolean;
  /** Milliseconds until it began, and until it ended. */
  readonly began: number;
  readonly ended: number;
}

/** When a process is killed: so many milliseconds after it began to work, or after its start. */
interface Moment {
  readonly after: "start" | "begin";
  readonly milliseconds: number;
}

/** Mostly while it works, at times while it starts. */
function momentIn(random: Random, { began, ended }: Ran): Moment {
  const isEarly = began === 0 || random(6) === 0;
  const span = isEarly ? ended : ended - began;
  return { after: isEarly ? "start" : "begin", milliseconds: span * random(1000) / 1000 };
}

/** Runs a work's process to its end, or until the moment. @throws where it fails by itself */
async function run(
  args: readonly string[],
  name: string,
  moment: Moment | null = null,
): Promise<Ran> {
  const started = performance.now();
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "", errors = "", began = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const killAfter = (milliseconds: number) =>
    void (timer = setTimeout(() => child.kill("SIGKILL"), milliseconds));
  child.stdout!.on("data", (text) => {
    output += text;
    if (began > 0 || !output.includes("begin\n")) return;
    began = performance.now() - started;
    if (moment?.after === "begin") killAfter(moment.milliseconds);
  });
  child.stderr!.on("data", (text) => (errors = (errors + text).slice(-500)));
  if (moment?.after === "start") killAfter(moment.milliseconds);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("close", (...how) => resolve(how))
  );
  clearTimeout(timer);
  if (code !== 0 && signal !== "SIGKILL") {
    throw new Error(`Expected ${name} to go on after a kill, but found: ${errors.trim()}`);
  }
  const said = /done .*/.exec(output)?.[0] ?? "";
  return { said, killed: signal === "SIGKILL", began, ended: performance.now() - started };
}
