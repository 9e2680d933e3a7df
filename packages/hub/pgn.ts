/**
 * Chess games in PGN, by the standard's import format: the lines of a file to one row a game, and a
 * game's moves without what stands between them. Does NOT know of examples, nor whether a move is
 * legal.
 */
import { parseGame } from "@mliebelt/pgn-parser";
import type { Row } from "./rows.ts";

const TAG = /\[\s*(\w+)\s+"((?:[^"\\\p{C}\p{Zl}\p{Zp}]|\\["\\])*)"/gu;
const TAG_LINE = /^\s*\[\s*\w+\s+"/;
const RESULTS = ["1-0", "0-1", "1/2-1/2", "*"];

/** Longer than any game; a parser needs a stack. */
const LONGEST = 100_000;

/**
 * Gathers the lines of a PGN file (rows with "text") into one row a game: WhiteElo and BlackElo as
 * whole tags, and `moves` as they stand, comments and line ends included. A game that lacks one of
 * them is given without it.
 */
export async function* gamesOf(lines: AsyncIterable<Row>): AsyncGenerator<Row> {
  let tags = new Map<string, string>(), movetext: string[] = [], hasMoves = false;
  let isOpen = false, isOver = false, afterBlank = true; // in a comment; behind the result
  const game = (): Row => {
    const row: Record<string, string> = {};
    for (const name of ["WhiteElo", "BlackElo"]) {
      if (tags.has(name)) row[name] = `[${name} "${tags.get(name)}"]`;
    }
    if (hasMoves) row.moves = movetext.join("\n");
    [tags, movetext, hasMoves, isOpen, isOver] = [new Map(), [], false, false, false];
    return row;
  };
  for await (const { text } of lines) {
    for (const line of typeof text === "string" ? text.split(/\r?\n/) : []) {
      // A comment that was never closed must not swallow all games that follow.
      if (isOpen && afterBlank && line.startsWith("[Event ")) yield game();
      afterBlank = line.trim() === "";
      if (afterBlank || (line.startsWith("%") && !isOpen)) continue; // % is the standard's escape
      if (!isOpen && TAG_LINE.test(line)) {
        const found = [...line.matchAll(TAG)];
        if (movetext.length > 0 || found.some(([, name]) => tags.has(name!))) yield game();
        for (const [, name, value] of found) tags.set(name!, value!);
        continue;
      }
      if (isOver) yield game();
      const scanned = scan(line, isOpen);
      movetext.push(line.trim());
      hasMoves ||= /[a-h][1-8]|O-O/.test(scanned.bare);
      isOpen = scanned.isOpen;
      isOver = !isOpen && RESULTS.includes(scanned.bare.trim().split(/\s/).at(-1)!);
    }
  }
  if (movetext.length > 0 || tags.size > 0) yield game();
}

/** A text of moves outside of its comments, `{…}` and `;…` to the end of the line. */
function scan(text: string, isOpen = false): { bare: string; isOpen: boolean; comments: number } {
  let bare = "", isRest = false, comments = 0;
  for (const [part] of text.matchAll(/[{};\n]|[^{};\n]+/g)) {
    if (isOpen) isOpen = part !== "}";
    else if (isRest) isRest = part !== "\n";
    else if (part === "{" || part === ";") {
      isOpen = part === "{";
      isRest = !isOpen;
      comments++;
    } else bare += part;
  }
  return { bare, isOpen, comments };
}

/** What annotators write behind a move, by the standard's numbers. */
const SUFFIXES: Readonly<Record<string, string>> = {
  ...{ $1: "!", $2: "?", $3: "!!", $4: "??", $5: "!?", $6: "?!" },
};

/**
 * The moves that were played, numbered, and the result; and what stood between them and is left out.
 * Null where the text is no PGN, or its numbers do not count the moves.
 *
 * @example mainLine("1.e4 {good} e5 (1... c5) 2. Nf3! *")
 * // { moves: "1. e4 e5 2. Nf3! *", leftOut: ["comments", "variations"] }
 */
export function mainLine(movetext: string): { moves: string; leftOut: string[] } | null {
  const { bare, isOpen, comments } = scan(movetext);
  if (isOpen || bare.length > LONGEST) return null;
  let game;
  try {
    game = parseGame(bare);
  } catch {
    return null; // a syntax error, or too deep
  }
  const { moves: played, tags } = game;
  const parts: string[] = [];
  const start = 2 * (played[0]?.moveNumber ?? 1) + (/^\s*\d+\.{3}/.test(bare) ? 1 : 0);
  for (const [i, { notation, moveNumber, nag }] of played.entries()) {
    const number = (start + i) >> 1, isWhite = (start + i) % 2 === 0;
    if ((moveNumber ?? number) !== number) return null;
    if (isWhite || i === 0) parts.push(`${number}${isWhite ? "." : "..."}`);
    const suffixes = (nag ?? []).map((one) => SUFFIXES[one] ?? ` ${one}`);
    parts.push(notation.notation + suffixes.join(""));
  }
  const result = tags?.Result as unknown;
  if (typeof result === "string") parts.push(result);
  const leftOut = [
    ...comments > 0 ? ["comments"] : [],
    ...played.some(({ variations }) => variations.length > 0) ? ["variations"] : [],
  ];
  return { moves: parts.join(" "), leftOut };
}
