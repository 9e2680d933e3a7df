/**
 * What the page's worker does: it opens the base, answers, judges, tunes and keeps, all with the
 * packages that the notebooks use. Knows files in memory (node.ts); does not know the page.
 */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pairedBootstrap } from "@implicit/alpaca-eval";
import {
  createDecoder,
  type Decoder,
  loadCheckpoint,
  type Model,
  readHeader,
  saveCheckpoint,
} from "@implicit/decoder";
import { createEngine, type Engine } from "@implicit/engine";
import { hashOf } from "@implicit/memo";
import { recipe } from "@implicit/world";
import { zipSync } from "fflate";
import {
  type Answer,
  answerPrompts,
  type Arm,
  armHash,
  arms,
  type Base,
  checkerJudge,
  encodedExamples,
  encodePair,
  formatPrompt,
  miniature,
  paperRows,
  type Prompt,
  rankResponses,
  ruleAdapter,
  type Run,
  type Scale,
  templates,
  traceRules,
  tune,
  tuningOf,
  unseenFamilies,
  winTable,
} from "implicit/web";
import { armOf, rulesArm, scaleOf } from "./experiments.ts";
import type {
  Calls,
  Event,
  Experiment,
  Opened,
  Ranked,
  Rate,
  RuleSettings,
  Settings,
  Unfinished,
} from "./protocol.ts";

/** What the reader's tunings leave, kept over a reload (storage.ts). */
export const KEPT = "/kept";

/** Under it, a folder a model and a folder a tuning that was stopped, by the settings' hash. */
const MODELS = join(KEPT, "models"), UNFINISHED = join(KEPT, "unfinished");
const EXPERIMENT = "experiment.json", SETTINGS = "settings.json";

/** The base, and the answers of its instruction tuning, against which every model is held. */
const BASE = "base-1", REFERENCES = "/data/references.json";

/** Two parts of a batch whatever the cores, so that every reader gets the same bits. */
const SHARDS = 2;

/** Steps between two checkpoints; instructions answered at once; decoders at hand. */
const EVERY = 10, CHUNK = 32, MOST_DECODERS = 3;

/** How a call tells what it does, and learns that it is to stop. */
export interface Line {
  tell(event: Event): void;
  readonly signal: AbortSignal;
}

/** A model's decoder, and how many calls use it now. */
interface Held {
  readonly decoder: Promise<Decoder>;
  users: number;
}

/** Every call of the protocol but the first, each with its line. */
type Work = {
  [K in Exclude<keyof Calls, "open">]: (
    argument: Parameters<Calls[K]>[0],
    line: Line,
  ) => ReturnType<Calls[K]>;
};

const readJson = async <T>(path: string) => JSON.parse(await readFile(path, "utf8")) as T;
const namesIn = (folder: string) => readdir(folder).catch((): string[] => []);

/** The laboratory of one base. */
export class Laboratory implements Work {
  /** By model; the one used last stands last. */
  private readonly decoders = new Map<string, Held>();
  private readonly defaults: Settings;

  private constructor(
    private readonly scale: Scale,
    private readonly base: Base,
    private readonly engine: Engine,
    private readonly prompts: readonly Prompt[],
    private readonly references: readonly Run[],
  ) {
    const { examples, steps, learningRate } = recipe.tuning;
    this.defaults = { arm: arms.responseTuning.name, examples, steps, learningRate, seed: 1 };
  }

  /** @throws where a file of the base is missing, cut short or not the one that was shipped. */
  static async open(): Promise<Laboratory> {
    const scale = await miniature();
    const prompts = await scale.prompts("validation");
    const engine = await createEngine({ threads: SHARDS });
    const references = await readJson<Run[]>(REFERENCES);
    return new Laboratory(scale, await scale.loadBase(BASE), engine, prompts, references);
  }

  /** What the page shows when it opens. */
  async opened(notes: readonly string[]): Promise<Opened> {
    const { eosSlope, repetition, uniform } = recipe.rules;
    const experiments = (await namesIn(MODELS)).map((id) => this.experiment(id).catch(() => null));
    return {
      base: this.base.model.hash,
      engine: this.engine.describe().versions.onnxruntime ?? "",
      context: this.base.model.config.contextLength,
      prompts: this.prompts,
      singleTasks: this.scale.singleTasks,
      seeds: this.references.map(({ seed }) => seed),
      defaults: this.defaults,
      rules: {
        use: ["eos", "repetition", "uniform"],
        eosSlope,
        repetitionWeight: repetition,
        uniform,
      },
      paper: await paperRows(),
      experiments: whole(await Promise.all(experiments))
        .sort((a, b) => (a.date < b.date ? -1 : 1)),
      unfinished: await unfinished(),
      notes,
    };
  }

  async ask(
    { model, instruction, rules }: {
      model: string;
      instruction: string;
      rules: RuleSettings | null;
    },
    { tell, signal }: Line,
  ) {
    const { tokenizer } = this.base;
    const arm = rules ? rulesArm(rules) : arms.base;
    const adapter = ruleAdapter(tokenizer, arm.rules ? this.scale.rules(arm.rules) : []);
    const prompt = tokenizer.encode(formatPrompt(templates[arm.template], instruction));
    const { contextLength } = this.base.model.config;
    if (prompt.length >= contextLength) {
      throw new Error(
        `Expected an instruction that leaves room for an answer in ${contextLength} tokens, but ` +
          `found one of ${prompt.length} with its tags. Shorten it.`,
      );
    }
    return await this.decoding(model, (decoder) =>
      traceRules(decoder, tokenizer, prompt, adapter, {
        maxTokens: this.scale.maxTokens,
        others: 3,
        onStory: (story) => {
          signal.throwIfAborted();
          tell({ what: "token", story });
        },
      }));
  }

  async winRate(
    { model, rules }: { model: string; rules: RuleSettings | null },
    line: Line,
  ): Promise<Rate> {
    const experiment = model === BASE ? null : await this.experiment(model);
    const tuned = experiment ? armOf(this.scale, this.defaults, experiment.settings) : arms.base;
    const arm: Arm = rules ? { ...rulesArm(rules), tuning: tuned.tuning } : tuned;
    const seed = experiment?.settings.seed ?? 1;
    const answers: Answer[] = [];
    const adapted = { model: await this.model(model) };
    const stopped = new Promise<never>((_, reject) =>
      line.signal.addEventListener("abort", () => reject(line.signal.reason))
    );
    for (let from = 0; from < this.prompts.length; from += CHUNK) {
      const some = this.prompts.slice(from, from + CHUNK);
      const answered = answerPrompts(this.scale, this.base, adapted, arm, some);
      answers.push(...await Promise.race([answered, stopped]));
      line.tell({ what: "share", done: answers.length / this.prompts.length });
    }
    const run: Run = {
      arm: arm.name,
      armHash: armHash(arm),
      model: this.base.name,
      seed,
      answers,
      losses: [],
      seconds: { tune: 0, decode: 0 },
    };
    const byId = new Map(this.prompts.map((prompt) => [prompt.id, prompt]));
    const { scale, prompts, references } = this;
    const judge = checkerJudge((id, response) => scale.grade(byId.get(id)!, response)!.score);
    const counts = unseenFamilies({ scale }, arm);
    const table = await winTable({ scale, prompts, judge }, [run], references, counts);
    const { estimate, low, high } = pairedBootstrap(table, { seed: 1 });
    const rate = {
      estimate: 100 * estimate,
      low: 100 * low,
      high: 100 * high,
      n: table[0]!.length,
    };
    if (experiment && !rules) await writeExperiment({ ...experiment, winRate: rate });
    return rate;
  }

  async tune(settings: Settings, { tell, signal }: Line): Promise<Experiment> {
    const id = hashOf(settings);
    const kept = await this.experiment(id).catch(() => null);
    if (kept) return kept;
    const arm = armOf(this.scale, this.defaults, settings);
    const seeds = this.references.map(({ seed }) => seed);
    if (!seeds.includes(settings.seed)) {
      throw new Error(`Expected a seed of ${seeds.join(", ")}, but found ${settings.seed}.`);
    }
    const { steps, learningRate } = { ...this.scale.tuning, ...tuningOf(arm) };
    const examples = await this.fitting(scaleOf(this.scale, settings), arm, settings, tell);
    const folder = join(UNFINISHED, id);
    await writeFile(join(folder, SETTINGS), JSON.stringify(settings));
    const started = performance.now();
    let first = 0;
    const { model, losses } = await tune(this.engine, this.base.model, examples, {
      ...this.scale.tuning,
      ...(steps === undefined ? {} : { steps }),
      ...(learningRate === undefined ? {} : { learningRate }),
      seed: settings.seed,
      signal,
      checkpoint: { folder: join(folder, "state"), every: EVERY },
      onStep: (step) => {
        first ||= step.step;
        tell({ what: "step", step });
      },
    });
    const seconds = first === 1 ? (performance.now() - started) / 1000 : null;
    const { hash } = model, date = new Date().toISOString();
    const experiment: Experiment = { id, settings, date, hash, losses, seconds, winRate: null };
    await saveCheckpoint(model, join(MODELS, id));
    await writeExperiment(experiment);
    await rm(folder);
    return experiment;
  }

  /** The examples encoded; those that are too long are left out, and that is told. */
  private async fitting(scale: Scale, arm: Arm, { seed }: Settings, tell: Line["tell"]) {
    const { length } = await scale.examples(tuningOf(arm), seed);
    const examples = await encodedExamples(scale, this.base, arm, seed);
    const { contextLength } = this.base.model.config;
    if (examples.length === 0) {
      throw new Error(
        `Expected examples that leave room for a response in ${contextLength} tokens, but found ` +
          `none among ${length}. Shorten them.`,
      );
    }
    const left = length - examples.length;
    const text = `${left} of ${length} examples do not fit ${contextLength} tokens: left out.`;
    if (left > 0) tell({ what: "note", text });
    return examples;
  }

  async rank(
    { models, instruction, responses }: {
      models: readonly string[];
      instruction: string;
      responses: readonly string[];
    },
  ): Promise<Ranked[]> {
    const { tokenizer, model } = this.base;
    const { contextLength } = model.config;
    const examples = responses.map((response) => {
      const one = encodePair(instruction, response, tokenizer, templates.tulu, contextLength);
      if (one) return one;
      throw new Error(
        `Expected an instruction that leaves room for a response in ${contextLength} tokens, but ` +
          "found one that fills them. Shorten it.",
      );
    });
    const pairs = responses.slice(1).map((_, i) => ({ real: 0, fake: i + 1 }));
    const empty = tokenizer.encode(formatPrompt(templates.tulu, ""));
    const ranked: Ranked[] = [];
    for (const name of models) {
      const found = await this.decoding(
        name,
        (decoder) => rankResponses((asked) => decoder.score(asked), examples, pairs, empty),
      );
      const scores = [found[0]!.scores.real.mean, ...found.map(({ scores }) => scores.fake.mean)];
      ranked.push({ model: name, scores });
    }
    return ranked;
  }

  async export(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const folders = [join("/data/world", BASE), join(MODELS, id)]; // the model's own files last
    const files: Record<string, Uint8Array> = {};
    for (const folder of folders) {
      for (const name of await readdir(folder)) {
        if (name !== "training.json") files[name] = await readFile(join(folder, name));
      }
    }
    return zipSync(files, { level: 0 }) as Uint8Array<ArrayBuffer>; // weights do not shrink
  }

  async forget(id: string): Promise<void> {
    const held = this.decoders.get(id);
    this.decoders.delete(id);
    if (held?.users === 0) dispose(held);
    await rm(join(MODELS, id));
  }

  drop(settings: Settings): Promise<void> {
    return rm(join(UNFINISHED, hashOf(settings)));
  }

  private async experiment(id: string): Promise<Experiment> {
    return await readJson<Experiment>(join(MODELS, id, EXPERIMENT));
  }

  private async model(id: string): Promise<Model> {
    return id === BASE ? this.base.model : await loadCheckpoint(join(MODELS, id));
  }

  /** Works with the model's decoder; afterwards those that nobody uses make room, the oldest first. */
  private async decoding<T>(id: string, work: (decoder: Decoder) => Promise<T>): Promise<T> {
    const held = this.decoders.get(id) ?? { decoder: this.open(id), users: 0 };
    this.decoders.delete(id);
    this.decoders.set(id, held);
    held.users++;
    try {
      return await work(await held.decoder);
    } finally {
      held.users--;
      if (held.users === 0 && this.decoders.get(id) !== held) dispose(held); // forgotten meanwhile
      for (const [old, other] of [...this.decoders]) {
        if (this.decoders.size <= MOST_DECODERS) break;
        if (other.users > 0) continue;
        this.decoders.delete(old);
        dispose(other);
      }
    }
  }

  private open(id: string): Promise<Decoder> {
    const opened = this.model(id).then((model) =>
      createDecoder(model, { threads: this.scale.threads })
    );
    opened.catch(() => this.decoders.delete(id));
    return opened;
  }
}

function dispose({ decoder }: Held): void {
  decoder.then((opened) => opened.dispose(), () => {});
}

function writeExperiment(experiment: Experiment): Promise<void> {
  return writeFile(join(MODELS, experiment.id, EXPERIMENT), JSON.stringify(experiment));
}

/** Those that are whole: a page that is closed while it writes leaves parts, which count as nothing. */
const whole = <T>(found: readonly (T | null)[]) => found.filter((one) => one !== null);

/** The tunings that were stopped, with the losses of their last checkpoint. */
async function unfinished(): Promise<Unfinished[]> {
  const read = async (id: string) => {
    const folder = join(UNFINISHED, id);
    const settings = await readJson<Settings>(join(folder, SETTINGS));
    const [state] = await namesIn(join(folder, "state"));
    if (!state) return { settings, losses: [] };
    const { metadata } = await readHeader(join(folder, "state", state));
    return { settings, losses: JSON.parse(metadata.progress!).losses };
  };
  const all = (await namesIn(UNFINISHED)).map((id) => read(id).catch(() => null));
  return whole(await Promise.all(all));
}
