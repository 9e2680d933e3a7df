/**
 * Corpora that differ from the micro-world's in one thing: how often, and how, requests are answered
 * in them. Requests and answers stay as frequent as they are; what changes is that they meet.
 */
import { type Corpus, recipe } from "@implicit/world";
import { templates } from "../text/template.ts";

/** Of the answered documents, the share that are threads; the others are pages. */
const IN_THREADS = 0.53;
/** Threads in which nobody answers, among all documents, as in the recipe. */
const UNANSWERED = 0.22;
/** What is neither a request nor an answer. */
const { encyclopedia, drills, tables, logs, refrains, games } = recipe.corpus.shares;
const others = { encyclopedia, drills, tables, logs, refrains, games };
const rest = 1 - UNANSWERED - Object.values(others).reduce<number>((sum, x) => sum + (x ?? 0), 0);

/**
 * The recipe's corpus with another share of documents that answer requests. What these lose, sheets
 * of requests (a third) and answers that stand alone (two thirds) gain.
 *
 * @param share of all documents, 0 to 0.5; the recipe has 0.47
 * @example answered(0.01)
 */
export function answered(share: number, inThreads = IN_THREADS): Corpus {
  const [, questions, chatter] = recipe.corpus.thread.modes;
  const silent = UNANSWERED / (questions + chatter);
  const left = rest - share;
  return {
    ...recipe.corpus,
    shares: {
      ...others,
      threads: UNANSWERED + share * inThreads,
      pages: share * (1 - inThreads),
      homework: left / 3,
      alone: left * 2 / 3,
    },
    thread: {
      ...recipe.corpus.thread,
      modes: [share * inThreads, questions * silent, chatter * silent],
      stray: 0,
    },
  };
}

/** A corpus in which so many threads have the markers of the chat template. */
function tagged(corpus: Corpus, share: number): Corpus {
  const { user, assistant } = templates.tulu;
  const markers = [user, assistant] as const;
  return { ...corpus, thread: { ...corpus.thread, tagged: { share, markers } } };
}

const tenth = answered(0.1);

/** The corpora of the first study, by name. */
export const corpora: Readonly<Record<string, Corpus>> = {
  ...Object.fromEntries(
    [0, 0.1, 0.3, 1, 3, 10, 30].map((
      percent,
    ) => [`answered ${percent} %`, answered(percent / 100)]),
  ),
  "no answers": {
    ...answered(0),
    shares: { ...answered(0).shares, alone: 0, encyclopedia: (encyclopedia ?? 0) + rest * 2 / 3 },
  },
  "unrelated answers": { ...answered(0.3, 0), noise: 1, unrelated: true },
  "one format": { ...answered(0.3, 0), layouts: 1 },
  "tags rarely": tagged(tenth, 0.02),
  "tags often": tagged(tenth, 0.5),
};
