/**
 * What an adaptation does to the kinds of reply, to what is said within the kind, and to where it ends:
 * log-probabilities of right responses in these parts, and KL(adapted ‖ base) in the same.
 */
import { mean } from "simple-statistics";
import { rankingSet } from "@implicit/world";
import type { Prompt } from "../study/scale.ts";
import type { Study } from "../study/study.ts";
import { encodePair } from "../text/example.ts";
import { templates } from "../text/template.ts";
import {
  biased,
  byStretch,
  type Distributions,
  distributionsAlong,
  divergences,
  endDivergences,
  fitBias,
} from "./divergence.ts";
import { sharedWorld } from "./pretrained.ts";
import { kindChances, replyKinds } from "./reply_kinds.ts";
import type { Speaker } from "./speakers.ts";

type Figures = Record<string, number>;

/**
 * Chances of the kinds of reply, and the log-probability of right responses in three parts: that the
 * reply is an answer (`mode`), that it is this one (`content`), that it ends there (`end`); for full
 * responses and for shorter ones. `rest` is the content's after its first token, a token.
 */
export async function replyFigures(study: Study, { decoder, ask }: Speaker, base: Speaker) {
  const { tokenizer } = study.base;
  const asked = ask(study.prompts);
  const chances = await kindChances(decoder, tokenizer, asked);
  const ranked = rankingSet(sharedWorld().world, "test", study.prompts.length);
  const pairs = study.prompts.map(({ instruction }, i) => {
    const { response } = ranked[i]!;
    const encoded = encodePair(instruction, response, tokenizer, templates.tulu, Infinity)!;
    return { prompt: asked[i]!.prompt, response: encoded.response };
  });
  const whole = await decoder.score(pairs);
  const texts = await decoder.score(pairs.map(({ prompt, response }) => (
    { prompt, response: response.slice(0, -1) }
  )));
  const first = await decoder.score(pairs.map(({ prompt, response }) => (
    { prompt, response: response.slice(0, 1) }
  )));
  const rows = study.prompts.map((prompt, i) => {
    const mode = Math.log(Math.max(chances[i]!.answer, 1e-9));
    return {
      isFull: study.scale.grade(prompt, ranked[i]!.response)?.score === 1,
      mode,
      content: texts[i]!.sum - mode,
      end: whole[i]!.sum - texts[i]!.sum,
      rest: (texts[i]!.sum - first[i]!.sum) / Math.max(texts[i]!.tokens - 1, 1),
    };
  });
  const kinds = replyKinds.map((kind) => [kind, mean(chances.map((row) => row[kind]))]);
  const before = await kindChances(base.decoder, tokenizer, base.ask(study.prompts));
  const moved = chances.map((now, i) =>
    replyKinds.reduce(
      (sum, kind) =>
        sum + now[kind] * Math.log(Math.max(now[kind], 1e-12) / Math.max(before[i]![kind], 1e-12)),
      0,
    )
  );
  const figures: Figures = { ...Object.fromEntries(kinds), klKinds: mean(moved) };
  for (const [form, isFull] of [["full", true], ["short", false]] as const) {
    const group = rows.filter((row) => row.isFull === isFull);
    for (const part of ["mode", "content", "end", "rest"] as const) {
      figures[`${form} ${part}`] = mean(group.map((row) => row[part]));
    }
  }
  return figures;
}

/**
 * KL(adapted ‖ base) over responses drawn from the adapted model: `kl` of a response, `kl N` of a token
 * in the stretch that begins at place N. Then which share of it is explained by a static bias fitted
 * on validation instructions (`static`), by two, of which one is for the first token (`apart`), and by
 * showing the base an answered turn (`shown`).
 */
export async function divergenceFigures(
  study: Study,
  adapted: Speaker,
  base: Speaker,
  shown: Speaker,
  seed: number,
): Promise<Figures> {
  const validation = await study.scale.prompts("validation");
  const fit = await along(study, adapted, base, validation.slice(0, study.prompts.length), seed);
  const test = await along(study, adapted, base, study.prompts, seed, shown);
  const kl = divergences(test.adapted, test.base);
  const first = (of: Distributions) => of.map((places) => places.slice(0, 1));
  const later = (of: Distributions) => of.map((places) => places.slice(1));
  const [one, opening, following] = [
    fitBias(fit.adapted, fit.base),
    fitBias(first(fit.adapted), first(fit.base)),
    fitBias(later(fit.adapted), later(fit.base)),
  ];
  const laterBiased = biased(later(test.base), following);
  const apart = biased(first(test.base), opening).map((at, i) => [...at, ...laterBiased[i]!]);
  const left = {
    static: divergences(test.adapted, biased(test.base, one)),
    apart: divergences(test.adapted, apart),
    shown: divergences(test.adapted, test.shown!),
  };
  const total = (values: readonly number[][]) => mean(values.map((row) => row.reduce(add, 0)));
  const stretched = byStretch(kl);
  const figures: Figures = {
    kl: total(kl),
    klEnd: total(endDivergences(test.adapted, test.base, study.base.tokenizer.eosId)),
  };
  for (const [from, value] of Object.entries(stretched)) figures[`kl ${from}`] = value;
  for (const [name, values] of Object.entries(left)) {
    figures[name] = 1 - total(values) / total(kl);
    for (const [from, value] of Object.entries(byStretch(values))) {
      figures[`${name} ${from}`] = 1 - value / stretched[Number(from)]!;
    }
  }
  return figures;
}

/** One response to each instruction drawn from the adapted model, and what all expect along it. */
async function along(
  study: Study,
  adapted: Speaker,
  base: Speaker,
  prompts: readonly Prompt[],
  seed: number,
  shown?: Speaker,
) {
  const { maxTokens } = study.scale;
  const { eosId } = study.base.tokenizer;
  const ids = adapted.ask(prompts).map(({ prompt }) => prompt);
  const drawn = await adapted.decoder.generate(ids, { maxTokens, temperature: 1, seed });
  const responses = drawn.map((response) =>
    response.length < maxTokens ? [...response, eosId] : response
  );
  const read = ({ decoder, ask }: Speaker) =>
    distributionsAlong(
      decoder,
      ask(prompts).map(({ prompt }, i) => ({ prompt, response: responses[i]! })),
    );
  return {
    adapted: await read(adapted),
    base: await read(base),
    shown: shown && await read(shown),
  };
}

const add = (a: number, b: number) => a + b;
