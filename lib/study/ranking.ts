/**
 * Response ranking on a study's instructions (§4.2): does a model, tuned or not, find the right
 * response likelier than a wrong one? Knows which models and which wrong responses; the arithmetic
 * is the judge's.
 */
import { familyNegatives, lengthMatchedNegatives, randomNegatives } from "./negatives.ts";
import { type RankedPair, rankingAccuracy, rankResponses, type Scoring } from "./rank.ts";
import { codeVersion } from "@implicit/memo";
import { progress } from "@implicit/notebook";
import { encodePair } from "../text/example.ts";
import { formatPrompt, templates } from "../text/template.ts";
import { type Arm, checkArms } from "./arm.ts";
import { fitting } from "./fit.ts";
import { checkOptions, type Negatives, negativesOption } from "./options.ts";
import { measure, type ResultRow } from "./results.ts";
import { openDecoder } from "./run.ts";
import { projectRoot } from "./settings.ts";
import { Elsewhere, unlessElsewhere } from "./shard.ts";
import type { Study } from "./study.ts";

/** Where the code of ranking begins, beside that of the runs. */
const CODE = "lib/study/rank.ts";

/** Where wrong responses come from. */
const drawNegatives = {
  random: (examples: readonly unknown[]) => randomNegatives(examples.length),
  family: familyNegatives,
  length: lengthMatchedNegatives,
};

/** How one model ranks the responses of one instruction after the other. */
export interface Ranking {
  readonly arm: string;
  readonly seed: number;
  readonly pairs: readonly RankedPair[];
  /** What is said of pairs that are too long for the base; null where all fit. */
  readonly leftOut: string | null;
}

/**
 * Ranks with every arm and seed of a study; the rankings are kept like runs. Pairs that are longer
 * than the base's context are left out, and the line under the progress bar says so. (The authors
 * cut them at 1,024 tokens, which changes what is compared.)
 *
 * @param negatives `random`: the authors' draws (`random.seed(0)`, five an instruction); `family`:
 *   responses to other instructions of the family; `length`: those nearest in length.
 * @throws if the scale's prompts have no reference responses, or no pair fits the context;
 *   {@link Elsewhere} where other machines rank the rest, once the own part is done.
 * @example
 * ```ts
 * const rankings = await rankArms(study, [arms.base, arms.responseTuning], "random");
 * ```
 */
export async function rankArms(
  study: Study,
  list: readonly Arm[],
  negatives: Negatives,
): Promise<Ranking[]> {
  checkArms(list);
  checkOptions(negativesOption, negatives, "the negatives");
  const bar = progress(`ranking (${negatives})`, list.length * study.seeds.length);
  const rankings: Ranking[] = [];
  study.part.divide(list.flatMap((arm) => study.seeds.map((seed) => ({ arm, seed }))));
  let elsewhere = 0;
  for (const arm of list) {
    const { examples, pairs, leftOut } = pairsOf(study, arm, negatives);
    for (const seed of study.seeds) {
      const key = {
        ...await study.key(arm, seed),
        negatives,
        ranking: await codeVersion([CODE], projectRoot()),
      };
      const made = study.cache.of("rankings", key, async () => {
        study.part.claim({ arm, seed });
        const adapted = await study.tuned(arm, seed);
        const empty = study.base.tokenizer.encode(formatPrompt(templates[arm.template], ""));
        const { server, weights } = study.scale;
        const decoder = await openDecoder({ server, weights }, study.base, adapted);
        try {
          return await rankResponses((requests) => decoder.score(requests), examples, pairs, empty);
        } finally {
          decoder.dispose();
        }
      });
      const value = await unlessElsewhere(made);
      if (value === null) elsewhere++;
      else rankings.push({ arm: arm.name, seed, pairs: value, leftOut });
      bar.update(rankings.length, arm.name);
    }
  }
  if (elsewhere > 0) {
    throw new Elsewhere(study.part.shard!, rankings.length, rankings.length + elsewhere);
  }
  const said = new Set(rankings.flatMap(({ leftOut }) => leftOut ?? []));
  await bar.done([...said].join("; "));
  return rankings;
}

/** A study's instructions and responses as token ids, and which are held against which. */
function pairsOf(study: Study, arm: Arm, negatives: Negatives) {
  const { tokenizer, model } = study.base;
  const { contextLength } = model.config;
  const examples = study.prompts.map(({ id, family, instruction, response }) => {
    // Whole: what does not fit is counted below, not cut.
    const encoded = response !== null &&
      encodePair(instruction, response, tokenizer, templates[arm.template], Infinity);
    if (!encoded) throw new Error(`Expected a reference response to ${id}, but found none.`);
    return { ...encoded, family };
  });
  const idOf = (index: number) => study.prompts[index]!.id;
  // A response's last token is predicted but never read: one more than the context fits.
  const fits = (prompt: number, response: number) =>
    examples[prompt]!.prompt.length + examples[response]!.response.length - 1 <= contextLength;
  const { kept, leftOut } = fitting(
    "pairs of an instruction and two responses",
    drawNegatives[negatives](examples),
    ({ real, fake }) => fits(real, real) && fits(real, fake),
    contextLength,
    ({ real, fake }) => `${idOf(real)} against ${idOf(fake)}`,
  );
  return { examples, pairs: kept, leftOut };
}

/**
 * Ranking accuracies as rows: the share of wrong responses that score below the right one, by
 * instruction; a tie or a missing score is a failure, as in the authors' code.
 *
 * @param metric what the rows are called; "ranking-accuracy" is the paper's.
 */
export function rankingRows(
  study: Study,
  rankings: readonly Ranking[],
  scoring: Scoring,
  metric: string,
): Promise<ResultRow[]> {
  const names = [...new Set(rankings.map(({ arm }) => arm))];
  return measure(
    study,
    names.map((arm) => ({
      section: "4.2",
      arm,
      metric,
      seconds: 0,
      table: rankings.filter((ranking) => ranking.arm === arm).map(({ pairs }) =>
        rankingAccuracy(pairs, scoring, study.prompts.length).byExample
      ),
    })),
  );
}
