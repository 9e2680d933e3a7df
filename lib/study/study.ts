/**
 * A study: one scale, one base, some seeds, and the runs that compare arms on it. Runs are
 * independent, so as many as there are cores go side by side, each on one thread: the bits of a
 * run then depend on no other run and on no number of cores.
 */
import type { Judge } from "@implicit/alpaca-eval";
import { createDecoder, hashParameters } from "@implicit/decoder";
import { createEngine } from "@implicit/engine";
import { codeVersion, DiskCache, hashOf, sha256 } from "@implicit/memo";
import { interruptible, progress } from "@implicit/notebook";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Adapted } from "../adapt/adapter.ts";
import { type RuleAdapter, ruleAdapter } from "../adapt/rules.ts";
import { type TokenStory, traceRules } from "../adapt/trace.ts";
import { encodeExample, explainMask, type MaskedToken } from "../text/example.ts";
import { formatPrompt, templates } from "../text/template.ts";
import type { StepInfo } from "../tune/tune.ts";
import { type Arm, armHash, checkArm, checkArms, contentOf, tuningOf } from "./arm.ts";
import { type KeptTuning, readTuned, tunings, writeTuned } from "./kept_tuning.ts";
import type { StudyOptions } from "./options.ts";
import { answerPrompts, longestExample, type Run, tuneArm } from "./run.ts";
import type { Base, Prompt, Scale, Split } from "./scale.ts";
import { projectRoot, runtimeVersions, type Settings } from "./settings.ts";
import { Elsewhere, OwnPart, unlessElsewhere } from "./shard.ts";

/** What tuning gave, and the seconds it took when it was done. */
export interface TunedArm extends Adapted {
  readonly losses: readonly number[];
  readonly seconds: number;
}

/** The files of a checkpoint that decide, beside its weights, what it says. */
const BASE_FILES = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
];

/** Where the code of every run begins. */
const CODE = "lib/study/run.ts";

/** What a study is made of. */
export interface StudyParts {
  readonly scale: Scale;
  readonly base: Base;
  readonly seeds: readonly number[];
  readonly prompts: readonly Prompt[];
  readonly split: Split;
  readonly judge: Judge | null;
  readonly settings: Settings;
  /** What is said of instructions that are too long for the base; null where all fit. */
  readonly leftOut: string | null;
  /** Options that stand in place of those of the base's config.json. */
  readonly override: StudyOptions["override"];
}

/** Its parts are its fields. */
export interface Study extends StudyParts {}

export class Study {
  /** Finished runs, tunings and rankings. */
  readonly cache: DiskCache;
  /** What this machine computes, where several share the work (`IMPLICIT_SHARD`). */
  readonly part: OwnPart;
  #files: Promise<Record<string, string>> | undefined;

  constructor(parts: StudyParts) {
    Object.assign(this, parts);
    const { cache, fresh, shard } = parts.settings;
    this.cache = new DiskCache(cache, fresh, "IMPLICIT_CACHE");
    this.part = new OwnPart(shard, parts.base.name);
  }

  /** What runs here, as rows of a table: scale, base, prompts, seeds, settings, engine, versions. */
  async describe(): Promise<{ what: string; value: string }[]> {
    const engine = (await createEngine({ threads: 1 })).describe();
    const { model, tokenizer } = this.base;
    let count = 0;
    for (const { data } of model.parameters.values()) count += data.length;
    const versions = Object.entries({ ...engine.versions, ...runtimeVersions() });
    const { data, judge, fresh, shard } = this.settings;
    const overridden = Object.keys(this.override ?? {});
    return [
      ["scale", this.scale.name],
      ["base", `${this.base.name}, ${(count / 1e6).toFixed(2)} M parameters`],
      [
        "texts end at",
        model.config.eosIds.map((id) => `${tokenizer.token(id)} (${id})`).join(", "),
      ],
      ["weights", `sha256 ${model.hash.slice(0, 16)}`],
      ...(overridden.length === 0
        ? []
        : [["in place of its config.json", JSON.stringify(this.override)]]),
      ...(this.scale.weights === "q8" ? [["answers and scores", "with 8-bit weights"]] : []),
      ["instructions", `${this.prompts.length} (${this.split})`],
      ...(this.leftOut === null ? [] : [["left out", this.leftOut]]),
      ["seeds", this.seeds.join(", ")],
      ...(this.scale.name === "miniature" ? [] : [["data", data]]),
      ...(judge === null ? [] : [["judge", judge.baseUrl]]),
      ...(fresh ? [["finished runs", "ignored: computed anew"]] : []),
      ...(shard === null ? [] : [["shard", `${shard.index}/${shard.of} of the runs`]]),
      ["engine", `${engine.kind}, ${engine.backend}, ${this.atOnce} runs side by side`],
      ["versions", versions.map(([name, version]) => `${name} ${version}`).join(", ")],
    ].map(([what, value]) => ({ what: what!, value: value! }));
  }

  /** One training example of an arm, token by token, with the targets of the loss marked. */
  async explain(arm: Arm, index = 0): Promise<MaskedToken[]> {
    const example = (await this.scale.examples(tuningOf(arm), this.seeds[0]!))[index];
    const maxLength = longestExample(this.scale, this.base);
    const encoded = example &&
      encodeExample(example, this.base.tokenizer, templates[arm.template], { maxLength });
    if (!encoded) throw new Error(`Expected an example ${index} of ${arm.name}, but found none.`);
    return explainMask(encoded, this.base.tokenizer);
  }

  /** What an arm's rules became with this base's tokenizer; a token that is exempt has no weight. */
  explainRules(arm: Arm): { rule: string; string: string; ids: string; weight: number | null }[] {
    return this.adapter(arm).explain()
      .map((row) => ({ ...row, ids: row.ids.join(", "), weight: row.weight || null }));
  }

  /** The rule adapter's answer to one prompt, token by token, and why each was chosen. */
  async traceRules(arm: Arm, prompt: string | number): Promise<TokenStory[]> {
    const instruction = this.prompts[this.find(prompt)]!.instruction;
    const { tokenizer } = this.base;
    const ids = tokenizer.encode(formatPrompt(templates[arm.template], instruction));
    const decoder = await createDecoder(this.base.model, { threads: 1 });
    try {
      const { maxTokens } = this.scale;
      return await traceRules(decoder, tokenizer, ids, this.adapter(arm), { maxTokens });
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
    checkArm(arm);
    if (arm.rules === null) {
      throw new Error(`Expected an arm with rules, but found ${arm.name}: take arms.rules().`);
    }
    return ruleAdapter(this.base.tokenizer, this.scale.rules(arm.rules));
  }

  /** The hash of the code that computes this study's runs. */
  code(): Promise<string> {
    return codeVersion([CODE, ...this.scale.code], projectRoot());
  }

  /** Everything that determines the run of an arm with a seed: kept beside it, hashed into its name. */
  async key(arm: Arm, seed: number) {
    checkArm(arm);
    const { tuning, maxTokens, maxLength } = this.scale;
    return {
      base: await (this.#files ??= baseHashes(this.base)),
      prompts: hashOf(this.prompts),
      examples: arm.tuning && hashOf(await this.scale.examples(arm.tuning, seed)),
      arm: contentOf({ ...arm, name: undefined }),
      // An untuned arm decodes greedily: its seed changes nothing.
      seed: arm.tuning === null ? 0 : seed,
      split: this.split,
      settings: contentOf([
        tuning,
        maxTokens,
        maxLength ?? null,
        arm.rules && this.scale.rules(arm.rules),
      ]),
      ...(this.scale.server ? { server: this.scale.server.name } : {}),
      ...(this.scale.weights === "q8" ? { weights: this.scale.weights } : {}),
      code: await this.code(),
      versions: (await createEngine({ threads: 1 })).describe().versions,
    };
  }

  /**
   * One run, from the cache or computed now.
   *
   * @throws {Elsewhere} where another of several machines computes it.
   * @example
   * ```ts
   * const run = await study.run(arms.responseTuning, 1);
   * console.log(run.answers[0].response);
   * ```
   */
  async run(arm: Arm, seed: number, onStep?: (step: StepInfo) => void): Promise<Run> {
    const run = await this.cache.of("runs", await this.key(arm, seed), async () => {
      this.part.claim({ arm, seed });
      const { losses, seconds, ...adapted } = await this.tuned(arm, seed, onStep);
      const tuned = performance.now();
      const answers = await answerPrompts(this.scale, this.base, adapted, arm, this.prompts);
      const decode = (performance.now() - tuned) / 1000;
      return { answers, losses, seconds: { tune: seconds, decode } };
    });
    return { arm: arm.name, armHash: armHash(arm), model: this.base.name, seed, ...run };
  }

  /**
   * The runs of several arms with every seed of the study, side by side on all cores, with a
   * progress bar. The finished ones are kept when this is interrupted, and the kernel lives on.
   *
   * @param onStep sees every training step of a run that is computed now.
   * @throws if two different arms have one name; {@link Elsewhere} where other machines compute the
   *   rest, once the own part is done.
   */
  async runs(
    list: readonly Arm[],
    onStep?: (arm: Arm, seed: number, step: StepInfo) => void,
  ): Promise<Run[]> {
    checkArms(list);
    return await interruptible((signal) => this.#runs(list, signal, onStep));
  }

  async #runs(
    list: readonly Arm[],
    signal: AbortSignal,
    onStep?: (arm: Arm, seed: number, step: StepInfo) => void,
  ): Promise<Run[]> {
    const jobs = list.flatMap((arm) => this.seeds.map((seed) => ({ arm, seed })));
    this.part.divide(jobs);
    const results = new Array<Run>(jobs.length);
    let elsewhere = 0;
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
        const run = await unlessElsewhere(this.run(arm, seed, (step) => {
          signal.throwIfAborted();
          done[i] = 0.7 * step.step / (step.steps || steps);
          show(`${arm.name}, seed ${seed}: step ${step.step}, loss ${step.loss.toFixed(2)}`);
          onStep?.(arm, seed, step);
        }));
        if (run) results[i] = run;
        else elsewhere++;
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
    if (elsewhere > 0) {
      const here = Object.keys(results).length;
      throw new Elsewhere(this.part.shard!, here, here + elsewhere);
    }
    jobs.forEach(({ arm, seed }, i) => {
      results[i] ??= { ...results[jobs.findIndex((job) => job.arm === arm)]!, seed };
    });
    await bar.done();
    return results;
  }

  /**
   * What tuning makes of the base, for scoring and for looking inside, with the loss of each step.
   * Tuned weights, or an adapter's arrays alone, stay in the cache. An untuned arm gives the base.
   */
  async tuned(arm: Arm, seed: number, onStep?: (step: StepInfo) => void): Promise<TunedArm> {
    const { base, scale } = this;
    if (arm.tuning === null) return { model: base.model, losses: [], seconds: 0 };
    const key = await this.key({ ...arm, rules: null }, seed);
    const { split: _split, prompts: _prompts, weights: _weights, ...rest } = key;
    // Which prompts are answered, how long and with how many bits does not decide what is learnt.
    const determines = { ...rest, settings: contentOf([scale.tuning, scale.maxLength ?? null]) };
    const adapter = arm.tuning.adapter ?? scale.tuning.adapter ?? null;
    const place = join(this.cache.folder, "models", hashOf(determines));
    const value = await this.cache.of("tunings", determines, async () => {
      this.part.claim({ arm, seed });
      const started = performance.now();
      const { losses, trained, ...adapted } = await tuneArm(scale, base, arm, seed, { onStep });
      const seconds = (performance.now() - started) / 1000;
      const weights = trained ? hashParameters(trained) : adapted.model.hash;
      const value: KeptTuning = { losses, seconds, weights };
      tunings.set(value, { ...adapted, trained });
      return value;
    }, {
      write: (value) => writeTuned(place, tunings.get(value)!),
      async isWhole(value) {
        const adapted = await readTuned(place, base, adapter, value.weights);
        if (adapted) tunings.set(value, adapted);
        return adapted !== null;
      },
    });
    const { trained: _trained, ...adapted } = tunings.get(value)!;
    return { ...adapted, losses: value.losses, seconds: value.seconds };
  }
}

/** The hashes of a base's weights and of the other files that are read from its folder. */
async function baseHashes({ model, tokenizer }: Base): Promise<Record<string, string>> {
  const hashes: Record<string, string> = { weights: model.hash, tokenizer: tokenizer.hash };
  for (const name of model.folder === null ? [] : BASE_FILES) {
    const path = join(model.folder!, name);
    if (!existsSync(path)) continue;
    hashes[name] = sha256(await readFile(path));
  }
  return hashes;
}
