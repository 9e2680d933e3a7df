/**
 * A study: one scale, one base, some seeds, and the runs that compare arms on it. Runs are
 * independent, so as many as there are cores go side by side, each on one thread: the bits of a
 * run then depend on no other run and on no number of cores.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createDecoder, loadCheckpoint, type Model, saveCheckpoint } from "@implicit/decoder";
import { interruptible, progress } from "@implicit/notebook";
import type { StepInfo } from "../tune/tune.ts";
import type { Arm } from "./arm.ts";
import { cached, codeVersion, hashOf } from "./cache.ts";
import { fitting } from "./fit.ts";
import { cacheFolder } from "./root.ts";
import { answerPrompts, longestExample, type Run, tuneArm } from "./run.ts";
import type { Base, Prompt, Scale, ScaleName, ScaleOptions, Split } from "./scale.ts";
import { runtimeVersions } from "./results.ts";
import { openScale } from "./scales.ts";
import { createEngine } from "@implicit/engine";
import { encodeExample, explainMask, type MaskedToken } from "../text/example.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { type RuleAdapter, ruleAdapter } from "../adapt/rules.ts";
import { traceRules } from "../adapt/trace.ts";

export interface StudyOptions extends ScaleOptions {
  readonly scale?: ScaleName;
  /** One of the scale's bases; its first if not given. */
  readonly base?: string;
  /** How many seeds, 1…N; `IMPLICIT_SEEDS` (the task's `--seeds`) if not given, else 3. */
  readonly seeds?: number;
  readonly split?: Split;
  /** How many of the split's instructions, the first ones; all if not given. */
  readonly prompts?: number;
  /** Settings that replace the scale's, for every arm that does not set them itself. */
  readonly tuning?: Partial<Scale["tuning"]>;
  /** Cap on the response in tokens; the scale's if not given. */
  readonly maxTokens?: number;
}

/** What determines a run; stored beside it and hashed into its name. */
export interface RunKey {
  readonly base: string;
  readonly tokenizer: string;
  /** Hash of the instructions that are answered. */
  readonly data: string;
  /** Hash of the examples that are trained on. */
  readonly examples: string | null;
  readonly arm: Arm;
  readonly seed: number;
  readonly split: string;
  readonly settings: string;
  readonly code: string;
}

/** One token of a response under rules: probabilities 0…1, pushes in logits. */
export interface TokenStory {
  readonly token: string;
  readonly base: number;
  readonly adapted: number;
  readonly pushes: Readonly<Record<string, number>>;
}

export class Study {
  constructor(
    readonly scale: Scale,
    readonly base: Base,
    readonly seeds: readonly number[],
    readonly prompts: readonly Prompt[],
    readonly split: Split,
    /** What is said of instructions that are too long for the base; null where all fit. */
    readonly leftOut: string | null = null,
  ) {}

  /** What runs here, as rows of a table: scale, base, prompts, seeds, engine and versions. */
  async describe(): Promise<{ what: string; value: string }[]> {
    const engine = (await createEngine({ threads: 1 })).describe();
    const { model } = this.base;
    let count = 0;
    for (const { data } of model.parameters.values()) count += data.length;
    const versions = Object.entries({ ...engine.versions, ...runtimeVersions() });
    return [
      ["scale", this.scale.name],
      ["base", `${this.base.name}, ${(count / 1e6).toFixed(2)} M parameters`],
      ["weights", `sha256 ${model.hash.slice(0, 16)}`],
      ["instructions", `${this.prompts.length} (${this.split})`],
      ...(this.leftOut === null ? [] : [["left out", this.leftOut]]),
      ["seeds", this.seeds.join(", ")],
      ["engine", `${engine.kind}, ${engine.backend}, ${this.atOnce} runs side by side`],
      ["versions", versions.map(([name, version]) => `${name} ${version}`).join(", ")],
    ].map(([what, value]) => ({ what: what!, value: value! }));
  }

  /** One training example of an arm, token by token, with the targets of the loss marked. */
  async explain(arm: Arm, index = 0): Promise<MaskedToken[]> {
    if (arm.tuning === null) {
      throw new Error(`Expected an arm that is tuned, but found ${arm.name}: it has no examples.`);
    }
    const example = (await this.scale.examples(arm.tuning, this.seeds[0]!))[index];
    const maxLength = longestExample(this.scale, this.base);
    const encoded = example &&
      encodeExample(example, this.base.tokenizer, templates[arm.template], { maxLength });
    if (!encoded) throw new Error(`Expected an example ${index} of ${arm.name}, but found none.`);
    return explainMask(encoded, this.base.tokenizer);
  }

  /** What an arm's rules became with this base's tokenizer: rule, string, token ids, weight. */
  explainRules(arm: Arm): { rule: string; string: string; ids: string; weight: number }[] {
    return this.adapter(arm).explain().map((row) => ({ ...row, ids: row.ids.join(", ") }));
  }

  /** The rule adapter's answer to one prompt, token by token, and why each was chosen. */
  async traceRules(arm: Arm, prompt: string | number): Promise<TokenStory[]> {
    const instruction = this.prompts[this.find(prompt)]!.instruction;
    const { tokenizer } = this.base;
    const ids = tokenizer.encode(formatPrompt(templates[arm.template], instruction));
    const decoder = await createDecoder(this.base.model, { threads: 1 });
    try {
      const { maxTokens } = this.scale;
      const steps = await traceRules(decoder, ids, this.adapter(arm), { maxTokens });
      return steps.map(({ id, baseLogprob, logprob, pushes }) => ({
        token: id === tokenizer.eosId ? "(end)" : tokenizer.decode([id]),
        base: Math.exp(baseLogprob),
        adapted: Math.exp(logprob),
        pushes: pushes as Record<string, number>,
      }));
    } finally {
      decoder.dispose();
    }
  }

  /**
   * The place of a prompt, given as a number from 0 or as a family's name (its first prompt).
   *
   * @throws if there is no such prompt.
   */
  find(prompt: string | number): number {
    const place = typeof prompt === "number"
      ? prompt
      : this.prompts.findIndex(({ family }) => family === prompt);
    if (this.prompts[place]) return place;
    const families = [...new Set(this.prompts.map(({ family }) => family))].join(", ");
    throw new Error(
      `Expected a prompt from 0 to ${this.prompts.length - 1} or a family (${families}), but ` +
        `found ${prompt}.`,
    );
  }

  /** How many runs go side by side. */
  private get atOnce(): number {
    return Math.max(1, Math.floor(availableParallelism() / this.scale.threads));
  }

  private adapter(arm: Arm): RuleAdapter {
    if (arm.rules === null) {
      throw new Error(`Expected an arm with rules, but found ${arm.name}: take arms.rules().`);
    }
    return ruleAdapter(this.base.tokenizer, this.scale.rules(arm.rules));
  }

  /** Everything that determines the run of an arm with a seed. */
  async key(arm: Arm, seed: number): Promise<RunKey> {
    return {
      base: this.base.model.hash,
      tokenizer: this.base.tokenizer.hash,
      data: hashOf(this.prompts),
      examples: arm.tuning && hashOf(await this.scale.examples(arm.tuning, seed)),
      arm,
      // An untuned arm decodes greedily: its seed changes nothing.
      seed: arm.tuning === null ? 0 : seed,
      split: this.split,
      settings: hashOf([
        this.scale.tuning,
        this.scale.maxTokens,
        this.scale.maxLength,
        arm.rules && this.scale.rules(arm.rules),
      ]),
      code: await codeVersion(),
    };
  }

  /**
   * One run, from the cache or computed now.
   *
   * @example
   * ```ts
   * const run = await study.run(arms.responseTuning, 1);
   * console.log(run.answers[0].response);
   * ```
   */
  async run(arm: Arm, seed: number, onStep?: (step: StepInfo) => void): Promise<Run> {
    const { value } = await cached("runs", await this.key(arm, seed), async () => {
      const { model, losses, seconds } = await this.tuned(arm, seed, onStep);
      const tuned = performance.now();
      const answers = await answerPrompts(this.scale, this.base, model, arm, this.prompts);
      return {
        arm: arm.name,
        model: this.base.name,
        answers,
        losses,
        seconds: { tune: seconds, decode: (performance.now() - tuned) / 1000 },
      };
    });
    return { ...value, seed };
  }

  /**
   * The runs of several arms with every seed of the study, side by side on all cores, with a
   * progress bar. The finished ones are kept when this is interrupted, and the kernel lives on.
   *
   * @param onStep sees every training step of a run that is computed now.
   */
  async runs(
    list: readonly Arm[],
    onStep?: (arm: Arm, seed: number, step: StepInfo) => void,
  ): Promise<Run[]> {
    return await interruptible((signal) => this.#runs(list, signal, onStep));
  }

  async #runs(
    list: readonly Arm[],
    signal: AbortSignal,
    onStep?: (arm: Arm, seed: number, step: StepInfo) => void,
  ): Promise<Run[]> {
    const jobs = list.flatMap((arm) => this.seeds.map((seed) => ({ arm, seed })));
    const results = new Array<Run>(jobs.length);
    const steps = this.scale.tuning.steps ?? 1;
    const done = jobs.map(() => 0);
    const bar = progress(`${this.base.name}: ${list.map((a) => a.name).join(", ")}`, jobs.length);
    const show = (note: string) => bar.update(done.reduce((a, b) => a + b, 0), note);
    let next = 0;
    const worker = async () => {
      for (let i = next++; i < jobs.length; i = next++) {
        const { arm, seed } = jobs[i]!;
        // An untuned arm is the same for every seed: the first seed's run serves them all.
        const first = jobs.findIndex((job) => job.arm === arm);
        if (arm.tuning === null && i !== first) continue;
        signal.throwIfAborted();
        results[i] = await this.run(arm, seed, (step) => {
          signal.throwIfAborted();
          done[i] = 0.7 * step.step / (step.steps || steps);
          show(`${arm.name}, seed ${seed}: step ${step.step}, loss ${step.loss.toFixed(2)}`);
          onStep?.(arm, seed, step);
        });
        done[i] = 1;
        show(`${arm.name}, seed ${seed}`);
      }
    };
    const workers = Array.from({ length: this.atOnce }, worker);
    // Where one run fails, those under way are finished and kept; no new one is begun.
    const ended = await Promise.allSettled(workers.map((work) =>
      work.catch((error) => {
        next = jobs.length;
        throw error;
      })
    ));
    for (const end of ended) if (end.status === "rejected") throw end.reason;
    jobs.forEach(({ arm, seed }, i) => {
      results[i] ??= { ...results[jobs.findIndex((job) => job.arm === arm)]!, seed };
    });
    await bar.done();
    return results;
  }

  /**
   * The tuned model of an arm, for scoring and for looking inside, with the loss of each step and
   * the seconds that tuning took when it was done. The weights stay in the cache.
   */
  async tuned(
    arm: Arm,
    seed: number,
    onStep?: (step: StepInfo) => void,
  ): Promise<{ model: Model; losses: number[]; seconds: number }> {
    if (arm.tuning === null) return { model: this.base.model, losses: [], seconds: 0 };
    const { split: _split, data: _data, ...key } = await this.key({ ...arm, rules: null }, seed);
    const folder = join(cacheFolder(), "models", hashOf(key));
    let model: Model | undefined;
    const { value } = await cached("tunings", key, async () => {
      const started = performance.now();
      const { losses, ...result } = await tuneArm(this.scale, this.base, arm, seed, { onStep });
      const seconds = (performance.now() - started) / 1000;
      await saveCheckpoint(result.model, folder);
      model = result.model;
      return { losses, seconds };
    });
    model ??= await loadCheckpoint(folder);
    return { model, ...value };
  }
}

/**
 * Opens a study: loads the base and the prompts of a scale.
 *
 * @throws if the scale or the base is unknown (the error lists what there is), or if a base's
 * files are missing or damaged.
 * @example
 * ```ts
 * const study = await openStudy({ scale: "miniature", seeds: 1 });
 * const runs = await study.runs([arms.instructionTuning, arms.responseTuning]);
 * ```
 */
export async function openStudy(options: StudyOptions = {}): Promise<Study> {
  const name = options.scale ?? "miniature";
  const { tuning, maxTokens } = options;
  const opened = await openScale(name, options);
  const scale: Scale = {
    ...opened,
    // Epochs asked for replace the scale's steps, which would go before them.
    tuning: { ...opened.tuning, ...(tuning?.epochs ? { steps: undefined } : {}), ...tuning },
    maxTokens: maxTokens ?? opened.maxTokens,
  };
  const baseName = options.base ?? process.env.IMPLICIT_BASE ?? scale.bases[0]!;
  if (!scale.bases.includes(baseName)) {
    throw new Error(
      `Expected a base of the ${scale.name} scale (${scale.bases.join(", ")}), but found ` +
        `"${baseName}": choose one of these.`,
    );
  }
  const count = options.seeds ?? Number(process.env.IMPLICIT_SEEDS ?? 3);
  if (!Number.isInteger(count) || count < 1 || count > 100) {
    throw new Error(`Expected a number of seeds from 1 to 100, but found ${count}.`);
  }
  const split = options.split ?? "test";
  const seeds = Array.from({ length: count }, (_, i) => i + 1);
  const asked = (await scale.prompts(split)).slice(0, options.prompts);
  const base = await scale.loadBase(baseName);
  const { contextLength } = base.model.config;
  // In every template, so that all arms answer the same; one token at least must be left to say.
  const fits = ({ instruction }: Prompt) =>
    Object.values(templates).every((template) =>
      base.tokenizer.encode(formatPrompt(template, instruction)).length < contextLength
    );
  const { kept, leftOut } = fitting("instructions", asked, fits, contextLength, ({ id }) => id);
  return new Study(scale, base, seeds, kept, split, leftOut);
}
