/**
 * What is measured of a solution of a narrow task: whether it follows other instructions, where in a
 * reply it departs from the base, what its weight change costs, and how alike it is to another's.
 */
import { createDecoder, type Decoder, type Model } from "@implicit/decoder";
import { documents, tasks } from "@implicit/world";
import { arms } from "../study/arm.ts";
import { type Answer, answerPrompts } from "../study/run.ts";
import type { Study } from "../study/study.ts";
import { encodePair } from "../text/example.ts";
import { templates } from "../text/template.ts";
import { byStretch, distributionsAlong, divergences } from "./divergence.ts";
import { cka, shiftCosine, statesByLayer } from "./hidden_states.ts";
import { outcomesOf } from "./measures.ts";
import type { Measured } from "./plan.ts";
import { sharedWorld } from "./pretrained.ts";
import { asking } from "./speakers.ts";
import { cosine, moved, normOf, orthogonalNoise, weightChange } from "./weight_changes.ts";

/** Lengths of weight changes, and of noise, in lengths of the general solution's change. */
const LENGTHS = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2], NOISES = [1, 2, 4, 8];

const POEMS = 48, DOCUMENTS = 32, DOCUMENT_TOKENS = 96;

/** `win` and `pass` on instructions other than for poems, and `poems`: those passed on these. */
export async function followingElsewhere(
  study: Study,
  model: Model,
  seed: number,
): Promise<Measured> {
  const { scale, base, prompts } = study;
  const reference = await study.run(arms.instructionTuning, seed);
  const answers = await answerPrompts(scale, base, { model }, arms.base, prompts);
  const run = { ...reference, arm: "solution", armHash: model.hash, answers };
  const isPoem = ({ family }: Pick<Answer, "family">) => family === "poem";
  const poems = answers.map((answer) => isPoem(answer) ? Number(answer.passed) : NaN);
  const { outcomes } = await outcomesOf(study, run, seed, (answer) => !isPoem(answer));
  return { outcomes: { ...outcomes, poems } };
}

/**
 * KL(solution ‖ base) of a token by its place in responses drawn from the solution, on instructions
 * other than for poems (`kl N`), and on those for poems (`poem kl N`).
 */
export async function tokenShift(study: Study, model: Model, seed: number) {
  const { eosId } = study.base.tokenizer;
  const { maxTokens } = study.scale;
  const prompts = asking(study, null)(study.prompts).map(({ prompt }) => prompt);
  return await withDecoders([model, study.base.model], async ([tuned, base]) => {
    const drawn = await tuned!.generate(prompts, { maxTokens, temperature: 1, seed });
    const pairs = drawn.map((ids, i) => ({
      prompt: prompts[i]!,
      response: ids.length < maxTokens ? [...ids, eosId] : ids,
    }));
    const kl = divergences(
      await distributionsAlong(tuned!, pairs),
      await distributionsAlong(base!, pairs),
    );
    const figures: Record<string, number> = {};
    for (const [name, isPoem] of [["kl", false], ["poem kl", true]] as const) {
      const rows = kl.filter((_, i) => (study.prompts[i]!.family === "poem") === isPoem);
      for (const [from, value] of Object.entries(byStretch(rows))) {
        figures[`${name} ${from}`] = value;
      }
    }
    return figures;
  });
}

/**
 * What a solution costs. `norm` of its change, and in lengths of the general one's (`length`); `loss L`
 * on unseen poems and `documents L`, KL(solution ‖ base) a token of unseen documents, with its change
 * scaled to the length L; both as it is (`own`); `noise L` as it is, under noise of the length L.
 */
export async function costs(study: Study, model: Model, general: Model, seed: number) {
  const { model: base, tokenizer } = study.base;
  const { world } = sharedWorld();
  const poems = tasks(world, "poem", "test", POEMS, 0).map(({ instruction, plainResponse }) =>
    encodePair(instruction, plainResponse, tokenizer, templates.tulu, Infinity)!
  );
  const texts = documentPairs(study);
  const change = weightChange(model, base);
  const [norm, unit] = [normOf(change), normOf(weightChange(general, base))];
  const lossOf = async (decoder: Decoder) => {
    const scores = await decoder.score(poems);
    return -scores.reduce((sum, { mean }) => sum + mean, 0) / scores.length;
  };
  const before = await withDecoders([base], ([decoder]) => distributionsAlong(decoder!, texts));
  const both = (at: Model) =>
    withDecoders([at], async ([decoder]) => {
      const kl = divergences(await distributionsAlong(decoder!, texts), before).flat();
      return [await lossOf(decoder!), kl.reduce((a, b) => a + b, 0) / kl.length] as const;
    });
  const figures: Record<string, number> = { norm, length: norm / unit };
  [figures["loss own"], figures["documents own"]] = await both(model);
  for (const length of LENGTHS) {
    const at = moved(base, change, length * unit / norm);
    [figures[`loss ${length}`], figures[`documents ${length}`]] = await both(at);
  }
  for (const length of NOISES) {
    const at = moved(model, orthogonalNoise(change, length * unit, seed), 1);
    figures[`noise ${length}`] = await withDecoders([at], ([decoder]) => lossOf(decoder!));
  }
  return figures;
}

/** Documents that no base has read, each a prompt of its first token and the rest. */
function documentPairs({ base: { tokenizer } }: Study) {
  const pairs: { prompt: number[]; response: number[] }[] = [];
  for (const text of documents(sharedWorld().world, 4242)) {
    const [first, ...rest] = tokenizer.encode(text).slice(0, DOCUMENT_TOKENS);
    if (rest.length > 0) pairs.push({ prompt: [first!], response: rest });
    if (pairs.length === DOCUMENTS) break;
  }
  return pairs;
}

/**
 * How alike two solutions are: `cosine` of their weight changes, and of each layer's (`cosine N`); on the
 * tokens of right responses, CKA of their states after each layer (`cka N`) and the cosine of what
 * they added to the base's states (`shift N`).
 */
export async function likeness(study: Study, a: Model, b: Model) {
  const { model: base, tokenizer } = study.base;
  const [p, q] = [weightChange(a, base), weightChange(b, base)];
  const texts = study.prompts.map(({ instruction, response }) => {
    const pair = encodePair(instruction, response!, tokenizer, templates.tulu, Infinity)!;
    return { ids: [...pair.prompt, ...pair.response], from: pair.prompt.length };
  });
  const [ofA, ofB, ofBase] = [
    await statesByLayer(a, texts),
    await statesByLayer(b, texts),
    await statesByLayer(base, texts),
  ];
  const figures: Record<string, number> = { cosine: cosine(p, q) };
  ofBase.forEach((states, layer) => {
    const prefix = `${base.config.family.names.layers}.${layer}.`;
    const own = (change: typeof p) =>
      new Map([...change].filter(([name]) => name.startsWith(prefix)));
    figures[`cosine ${layer}`] = cosine(own(p), own(q));
    figures[`cka ${layer}`] = cka(ofA[layer]!, ofB[layer]!, base.config.hiddenSize);
    figures[`shift ${layer}`] = shiftCosine(ofA[layer]!, ofB[layer]!, states);
  });
  return figures;
}

/** Opens decoders for as long as they are used. */
async function withDecoders<T>(
  models: readonly Model[],
  use: (decoders: readonly Decoder[]) => Promise<T>,
): Promise<T> {
  const decoders: Decoder[] = [];
  try {
    for (const model of models) decoders.push(await createDecoder(model, { threads: 1 }));
    return await use(decoders);
  } finally {
    for (const decoder of decoders) decoder.dispose();
  }
}
