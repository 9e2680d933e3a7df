/**
 * What a corpus is made of, as plain data: how often each genre comes, and the chances that shape
 * its documents. The settled one stands in recipe.ts; a study varies one number of it.
 */
import type { ThreadShape } from "./threads.ts";

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
