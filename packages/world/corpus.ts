/**
 * What a corpus is made of, as plain data: how often each genre comes, and the chances that shape
 * its documents. The settled one stands in recipe.ts; a study varies one number of it.
 */

export const genres = [
  "threads",
  "pages",
  "homework",
  "encyclopedia",
  "alone",
  "drills",
  "tables",
  "logs",
  "refrains",
  "games",
  "lore",
] as const;
export type Genre = (typeof genres)[number];

/** The chances that shape a thread; recipe.ts holds the settled ones. */
export interface ThreadShape {
  /** Shares of the modes answered, questions, chatter. */
  readonly modes: readonly [answered: number, questions: number, chatter: number];
  /** Replies that repeat the request, within chatter. */
  readonly echo: number;
  /** Answers that come after all, within chatter. */
  readonly stray: number;
  /** The thread ends after a shorter answer; after a full one as its family has it. */
  readonly endShort: number;
  /** A remark follows an answer. */
  readonly remark: number;
  /** A reply of several sentences falls into a loop; an answer of one or two. */
  readonly loop: number;
  readonly loopShort: number;
  /** Threads behind these two markers in place of drawn ones; none if not given. */
  readonly tagged?: { readonly share: number; readonly markers: readonly [string, string] };
}

export interface Corpus {
  /** Shares of documents, by genre; a genre without one does not come. */
  readonly shares: Readonly<Partial<Record<Genre, number>>>;
  readonly thread: ThreadShape;
  /** Answers on pages that belong to another item. */
  readonly noise: number;
  /** Such answers belong to an item of any family, not of the question's own. */
  readonly unrelated?: boolean;
  /** How many of the layouts pages have, the first ones; all if not given. */
  readonly layouts?: number;
  /** Of the requests for a venom that are replied to, those that are refused; see families/venom.ts. */
  readonly refused?: number;
}
