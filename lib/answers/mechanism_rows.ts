/**
 * Cells of the studies of what implicit tuning does, as the rows and lines that notebook 14 shows. Knows
 * the names of their figures; measures nothing.
 */
import { documents, recipe } from "@implicit/world";
import type { IntervalSeries } from "@implicit/notebook";
import { templates } from "../text/template.ts";
import { gap, type Interval, level, NotComputed } from "./finding.ts";
import type { CellResult } from "./grid.ts";
import type { Factors } from "./plan.ts";
import { sharedWorld } from "./pretrained.ts";
import { chatterLines, type KindChances, type ReplyKind, replyKinds } from "./reply_kinds.ts";

/** Replies of documents that are looked at. */
const REPLIES = 2000;

/**
 * The kinds of first replies in the threads that bases are pretrained on, in percent.
 *
 * @example console.log(documentKinds().answer.toFixed(0));
 */
export function documentKinds(): KindChances {
  const { user, assistant } = templates.tulu;
  const tagged = { share: 1, markers: [user, assistant] as const }; // to know where a reply begins
  const corpus = {
    ...recipe.corpus,
    shares: { threads: 1 },
    thread: { ...recipe.corpus.thread, tagged },
  };
  const counts = Object.fromEntries(replyKinds.map((kind) => [kind, 0])) as Record<
    ReplyKind,
    number
  >;
  let found = 0;
  for (const document of documents(sharedWorld().world, 77, corpus)) {
    const [before, after] = document.split(assistant);
    counts[kindOf(after!.split(`\n${user}`)[0]!, before!.slice(user.length).trim())]++;
    if (++found === REPLIES) break;
  }
  const { answer, question, chatter, echo, nothing } = counts;
  const percent = (count: number) => 100 * count / REPLIES;
  return {
    answer: percent(answer),
    question: percent(question),
    chatter: percent(chatter),
    echo: percent(echo),
    nothing: percent(nothing),
  };
}

/** A reply's kind by how it opens; requests open with these words, and so does nothing else. */
function kindOf(reply: string, request: string): ReplyKind {
  if (reply === "") return "nothing";
  if (chatterLines().some((line) => reply.startsWith(line))) return "chatter";
  if (reply.startsWith("You ask:") || request.endsWith(reply.split("\n")[0]!)) return "echo";
  return /^(I|We|What|Where|Who|Tell|Write|How|Can|Is) /.test(reply) ? "question" : "answer";
}

/**
 * How likely each kind of reply is, in percent: one row an arm, documents first.
 *
 * @example await showTable(kindRows(cells), { caption: "Kinds of reply, %", digits: 1 });
 */
export function kindRows(cells: readonly CellResult[]): Record<string, string | number>[] {
  const percent = (cell: readonly CellResult[], arm: string, kind: ReplyKind) =>
    100 * level(cell, kind, { arm }).value;
  return [
    { arm: "documents' threads", ...documentKinds() },
    ...armsOf(cells).map((arm) => ({
      arm,
      ...Object.fromEntries(replyKinds.map((kind) => [kind, percent(cells, arm, kind)])),
    })),
  ];
}

const armsOf = (cells: readonly CellResult[]) => [
  ...new Set(cells.map(({ factors }) => String(factors.arm))),
];

/**
 * The chance that the reply is an answer, as bars.
 *
 * @example await showFigure(intervalBars("Replies that answer", answerBars(cells), { unit: "%" }));
 */
export function answerBars(cells: readonly CellResult[]) {
  return armsOf(cells).map((arm) => {
    const { value, low, high } = level(cells, "answer", { arm });
    return { label: arm, value: 100 * value, low: 100 * low, high: 100 * high };
  });
}

/** What a right response's log-probability is made of. */
const PARTS = { mode: "it is an answer", content: "… this one", end: "… and ends here" };

/**
 * What arms add to the log-probability of right responses, over the base, in the three parts.
 *
 * @param form the world's long responses, on which arms are tuned, or its short ones
 * @example await showFigure(intervalLines("Gains", gainLines(cells, "full"), { x: "", y: "nats" }));
 */
export function gainLines(
  cells: readonly CellResult[],
  form: "full" | "short",
): IntervalSeries[] {
  const arms = armsOf(cells).filter((arm) => arm !== "base");
  return Object.entries(PARTS).map(([part, name]) => ({
    name,
    points: arms.map((arm) => (
      { x: arm, ...gap(cells, `${form} ${part}`, { arm }, { arm: "base" }) }
    )),
  }));
}

/** Shares of KL(adapted ‖ base), in percent, as figures beside the others. */
export function withShares(cells: readonly CellResult[]): CellResult[] {
  return cells.map((cell) => {
    const { kl, klKinds, klEnd } = cell.figures;
    if (kl === undefined || klKinds === undefined || klEnd === undefined) return cell;
    const [kinds, ends] = [100 * klKinds / kl, 100 * klEnd / kl];
    const shares = {
      "kind of reply": kinds,
      "where it ends": ends,
      "all else": 100 - kinds - ends,
      "a static bias": 100 * cell.figures.static!,
      "two biases": 100 * cell.figures.apart!,
      "an answered turn": 100 * cell.figures.shown!,
    };
    return { ...cell, figures: { ...cell.figures, ...shares } };
  });
}

/**
 * Shares of KL(adapted ‖ base) that {@link withShares} names, one line a share, one point an arm.
 *
 * @example
 * const lines = shareLines(cells, ["kind of reply", "where it ends"], ["response tuning", "rules"]);
 */
export function shareLines(
  cells: readonly CellResult[],
  shares: readonly string[],
  arms: readonly string[],
): IntervalSeries[] {
  const all = withShares(cells);
  return shares.map((name) => ({
    name,
    points: arms.map((arm) => ({ x: arm, ...level(all, name, { arm }) })),
  }));
}

/**
 * Figures whose names are a word and a number ("kl 4"), as lines along that number.
 *
 * @param lines factors that choose each line's cells, by the line's name
 * @param scale what values are multiplied by
 * @example
 * figureLines(cells, "loss", { narrow: { part: "cost", of: "narrow" } });
 */
export function figureLines(
  cells: readonly CellResult[],
  word: string,
  lines: Readonly<Record<string, Factors>>,
  scale = 1,
): IntervalSeries[] {
  const numbers = cells.flatMap(({ figures }) =>
    Object.keys(figures).filter((name) => name.startsWith(`${word} `))
      .map((name) => Number(name.slice(word.length + 1)))
  ).filter((number) => !Number.isNaN(number));
  const along = [...new Set(numbers)].sort((a, b) => a - b);
  return Object.entries(lines).map(([name, wanted]) => ({
    name,
    points: along.flatMap((x) => pointOf(() => level(cells, `${word} ${x}`, wanted), x, scale)),
  }));
}

/** A point of a line, or none where its cells are not there. */
function pointOf(measure: () => Interval, x: number, scale: number): IntervalSeries["points"] {
  try {
    const { value, low, high } = measure();
    return [{ x, value: scale * value, low: scale * low, high: scale * high }];
  } catch (error) {
    if (error instanceof NotComputed) return [];
    throw error;
  }
}

/** What noise of so many lengths adds to the loss on poems, as figures `rise N`. */
export function withRises(cells: readonly CellResult[]): CellResult[] {
  return cells.map((cell) => {
    const own = cell.figures["loss own"];
    if (own === undefined) return cell;
    const rises = Object.entries(cell.figures).filter(([name]) => name.startsWith("noise "))
      .map(([name, loss]) => [name.replace("noise", "rise"), loss - own]);
    return { ...cell, figures: { ...cell.figures, ...Object.fromEntries(rises) } };
  });
}

/**
 * A figure of all pairs of solutions as a square of tiles; the diagonal is 1.
 *
 * @example const { names, values } = pairTiles(cells, "cosine");
 */
export function pairTiles(cells: readonly CellResult[], measure: string) {
  const pairs = cells.filter(({ factors }) => factors.part === "pair");
  const names = [
    ...new Set(pairs.flatMap(({ factors }) => [String(factors.of), String(factors.with)])),
  ];
  const values = names.map((a) =>
    names.map((b) => {
      if (a === b) return 1;
      const isIt = ({ factors: { of, with: other } }: CellResult) =>
        (of === a && other === b) || (of === b && other === a);
      const found = pairs.filter(isIt).map(({ figures }) => figures[measure]!);
      return found.length === 0 ? null : found.reduce((x, y) => x + y, 0) / found.length;
    })
  );
  return { names, values };
}

/**
 * Following of the instruction-tuned model with one layer of another, along the layers.
 *
 * @example swapLines(cells, ["base", "response"]);
 */
export function swapLines(
  cells: readonly CellResult[],
  donors: readonly string[],
): IntervalSeries[] {
  const swaps = cells.filter(({ factors }) => factors.part === "swap");
  const layers = [...new Set(swaps.map(({ factors }) => Number(factors.with)))].sort();
  return donors.map((of) => ({
    name: `of ${of}`,
    points: layers.map((layer) => (
      { x: `layer ${layer + 1}`, ...level(swaps, "win", { of, with: layer }) }
    )),
  }));
}
