/**
 * What rounding a model's matrices to 8 bits changes: the bases of the miniature answer its test with and
 * without. Knows bases, prompts and decoders; does not know how fast they are.
 */
import { argmax, createDecoder, type WeightType } from "@implicit/decoder";
import type { Scale } from "../study/scale.ts";
import { formatPrompt, templates } from "../text/template.ts";

/** What differs, over the tokens of the answers that the float32 weights give. */
export interface Rounding {
  readonly bases: readonly string[];
  readonly tokens: number;
  /** Share of the tokens at which the same one is the likeliest. */
  readonly sameToken: number;
  /** Nats a token. */
  readonly loss: number;
  readonly roundedLoss: number;
  readonly answers: number;
  /** Share of the prompts whose whole greedy answer is the same. */
  readonly sameAnswer: number;
}

/**
 * Lets bases answer the test's prompts, greedy, with float32 and with 8-bit weights.
 *
 * @param limit prompts of each base, if not all
 * @example
 * roundingLine(await measureRounding(await openScale("miniature"), ["base-1"]));
 */
export async function measureRounding(
  scale: Pick<Scale, "prompts" | "loadBase" | "maxTokens">,
  bases: readonly string[],
  limit = Infinity,
): Promise<Rounding> {
  const prompts = (await scale.prompts("test")).slice(0, limit);
  let [tokens, same, loss, roundedLoss, answers, sameAnswers] = [0, 0, 0, 0, 0, 0];
  for (const name of bases) {
    const { model, tokenizer } = await scale.loadBase(name);
    const ids = prompts.map(({ instruction }) =>
      tokenizer.encode(formatPrompt(templates.tulu, instruction))
    );
    /** Its own answers, and at each token of the given ones (or its own) the likeliest, and the loss. */
    const read = async (weights: WeightType, given?: readonly number[][]) => {
      const decoder = await createDecoder(model, { weights });
      const own = await decoder.generate(ids, { maxTokens: scale.maxTokens });
      const pairs = ids.map((prompt, i) => ({ prompt, response: (given ?? own)[i]! }))
        .filter(({ response }) => response.length > 0);
      const likeliest: number[] = [];
      const note = (logits: Float32Array) => void likeliest.push(argmax(logits));
      const scores = await decoder.score(pairs, { processors: [note] });
      decoder.dispose();
      return { own, likeliest, loss: -scores.reduce((sum, score) => sum + score.sum, 0) };
    };
    const exact = await read("fp32");
    const rounded = await read("q8", exact.own);
    tokens += exact.likeliest.length;
    same += exact.likeliest.filter((id, i) => id === rounded.likeliest[i]).length;
    loss += exact.loss;
    roundedLoss += rounded.loss;
    answers += ids.length;
    sameAnswers += exact.own.filter((own, i) => `${own}` === `${rounded.own[i]}`).length;
  }
  return {
    bases,
    tokens,
    sameToken: same / tokens,
    loss: loss / tokens,
    roundedLoss: roundedLoss / tokens,
    answers,
    sameAnswer: sameAnswers / answers,
  };
}

/** The measurement in a sentence. */
export function roundingLine(rounding: Rounding): string {
  const { bases, tokens, sameToken, loss, roundedLoss, answers, sameAnswer } = rounding;
  const over = `${tokens.toLocaleString("en")} tokens of ${bases.join(", ")}`;
  const [a, b] = [roundedLoss, loss].map((nats) => nats.toFixed(4));
  return `As they answer the micro-world's test (${over}), 8-bit weights find the same token ` +
    `likeliest at ${
      (100 * sameToken).toFixed(1)
    } %, with a loss of ${a} nats a token where float32 ` +
    `has ${b}; of ${answers} whole greedy answers ${(100 * sameAnswer).toFixed(0)} % are the same.`;
}
