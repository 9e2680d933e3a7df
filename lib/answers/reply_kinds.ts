/**
 * The hidden mode of the micro-world's threads, read off a model: how likely it holds a reply of each
 * kind to be. The kinds divide all texts by how they open, and the world's documents keep the division:
 * no answer opens with a word that opens requests, and chatter has eighteen lines. So a model's
 * probability of a kind is exact: sums over first tokens and over whole lines, nothing sampled.
 */
import type { Decoder, Tokenizer } from "@implicit/decoder";
import { documents, recipe, unitsOf } from "@implicit/world";
import { templates } from "../text/template.ts";
import { distributionsAlong } from "./divergence.ts";
import { sharedWorld } from "./pretrained.ts";

/** Answers, right or wrong; a further request; chatter; the request again; no reply at all. */
export const replyKinds = ["answer", "question", "chatter", "echo", "nothing"] as const;
export type ReplyKind = (typeof replyKinds)[number];

/** Probabilities of the kinds; they sum to 1. */
export type KindChances = Readonly<Record<ReplyKind, number>>;

/** An instruction, and the prompt that ends where the reply begins. */
export interface Asked {
  readonly instruction: string;
  readonly prompt: readonly number[];
}

/** A place in `recipe.corpus.thread.modes`. */
const QUESTIONS = 1, CHATTER = 2;

/** Enough replies that every line of chatter and every opening word is among them. */
const REPLIES = 3000;

const ECHO = "You ask:";

/** First replies of threads whose mode is known, as documents have them, without loops and echoes. */
function repliesOf(mode: number): string[] {
  const { user, assistant } = templates.tulu;
  const [answered, questions, chatter] = [0, QUESTIONS, CHATTER].map((one) => one === mode ? 1 : 0);
  const thread = {
    ...recipe.corpus.thread,
    modes: [answered!, questions!, chatter!] as const,
    ...{ echo: 0, stray: 0, loop: 0, loopShort: 0 },
    tagged: { share: 1, markers: [user, assistant] as const },
  };
  const replies: string[] = [];
  const corpus = { ...recipe.corpus, shares: { threads: 1 }, thread };
  for (const document of documents(sharedWorld().world, 0, corpus)) {
    const reply = document.split(assistant)[1]?.split(`\n${user}`)[0];
    if (reply !== undefined) replies.push(reply);
    if (replies.length === REPLIES) break;
  }
  return replies;
}

let known: { readonly lines: readonly string[]; readonly requests: readonly string[] } | undefined;

/** The lines of chatter, and replies that are requests. */
function knownReplies() {
  return known ??= {
    lines: [...new Set(repliesOf(CHATTER).map((reply) => unitsOf(reply)[0]!))].sort(),
    requests: repliesOf(QUESTIONS),
  };
}

/** All lines of chatter. */
export const chatterLines = (): readonly string[] => knownReplies().lines;

/**
 * How likely replies of each kind are to each instruction.
 *
 * @example
 * const [{ answer }] = await kindChances(decoder, tokenizer, [{ instruction, prompt }]);
 */
export async function kindChances(
  decoder: Decoder,
  tokenizer: Tokenizer,
  asked: readonly Asked[],
): Promise<KindChances[]> {
  const { lines, requests } = knownReplies();
  const encode = (text: string) => tokenizer.encode(text, { special: false });
  const opens = new Set(requests.map((request) => encode(request)[0]!));
  const silent = [tokenizer.eosId, ...encode("\n")];
  const firsts = await distributionsAlong(
    decoder,
    asked.map(({ prompt }) => ({ prompt, response: [tokenizer.eosId] })),
  );
  const texts = ({ instruction }: Asked) => [...lines, ECHO, instruction].map(encode);
  const scores = await decoder.score(
    asked.flatMap((one) => texts(one).map((response) => ({ prompt: one.prompt, response }))),
  );
  return asked.map((one, i) => {
    const first = (id: number) => Math.exp(firsts[i]![0]![id]!);
    const starts = texts(one).map((ids, k) => ({
      chance: Math.exp(scores[i * (lines.length + 2) + k]!.sum),
      isRequest: opens.has(ids[0]!),
    }));
    const sum = (list: readonly { readonly chance: number }[]) =>
      list.reduce((total, { chance }) => total + chance, 0);
    const chatter = sum(starts.slice(0, lines.length));
    const echo = sum(starts.slice(lines.length));
    const question = Math.max(
      0,
      [...opens].reduce((total, id) => total + first(id), 0) -
        sum(starts.filter(({ isRequest }) => isRequest)),
    );
    const nothing = silent.reduce((total, id) => total + first(id), 0);
    const answer = Math.max(0, 1 - question - chatter - echo - nothing);
    return { answer, question, chatter, echo, nothing };
  });
}
