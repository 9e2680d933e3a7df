/**
 * The three odd notations in which data sets hide their texts: PGN chess games, Python lists
 * written as text, recipes in Markdown. Does NOT know of examples or of where files come from.
 */
import type { Row } from "./rows.ts";

/**
 * Gathers the lines of a PGN file (rows with "text") into one row a game: WhiteElo and BlackElo as
 * their whole lines, and the line of moves, which starts with `1. `. A game that lacks one of them
 * is given without it.
 */
export async function* gamesOf(lines: AsyncIterable<Row>): AsyncGenerator<Row> {
  let game: Record<string, string> = {};
  let hasMoveText = false; // a tag after it begins the next game
  for await (const { text } of lines) {
    if (typeof text !== "string") continue;
    const isTag = text.startsWith("[");
    if (isTag && hasMoveText) {
      yield game;
      game = {};
      hasMoveText = false;
    }
    // Asked of any line, as the authors do, but a tag's name must not be a part of another's.
    for (const tag of ["WhiteElo", "BlackElo"]) if (text.startsWith(`[${tag} `)) game[tag] = text;
    if (!isTag && text.trim() !== "") {
      hasMoveText = true;
      if (text.startsWith("1. ")) game.moves = text;
    }
  }
  if (hasMoveText || Object.keys(game).length > 0) yield game;
}

/** A line of moves without `{…}` comments, and without the `1...` they make necessary. */
export function withoutComments(moves: string): string {
  return moves.replace(/\s*\{[^}]*\}/g, "").replace(/\s+\d+\.\.\./g, "");
}

/**
 * The strings of a Python list written as text, `['1 egg', "baker's yeast"]`; null where the text
 * is anything else. (The authors use eval(), which one does not do to data from outside.)
 */
export function pythonStrings(text: string): string[] | null {
  const list = text.trim();
  if (!list.startsWith("[") || !list.endsWith("]")) return null;
  const literal = /\s*(?:'((?:[^'\\]|\\[^])*)'|"((?:[^"\\]|\\[^])*)")\s*(,|$)/y;
  const inside = list.slice(1, -1);
  const strings: string[] = [];
  let more = inside.trim() !== "";
  while (more) {
    const match = literal.exec(inside);
    if (!match) return null;
    strings.push(unescape(match[1] ?? match[2]!));
    more = match[3] === "," && inside.slice(literal.lastIndex).trim() !== "";
  }
  return inside.slice(literal.lastIndex).trim() === "" || strings.length === 0 ? strings : null;
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r", "\n": "" };

const unescape = (text: string): string =>
  text.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([^]))/gi,
    (whole, x?: string, u?: string, U?: string, character?: string) => {
      const code = x ?? u ?? U;
      if (code !== undefined) return String.fromCodePoint(parseInt(code, 16));
      if (/[\\'"]/.test(character!)) return character!;
      return ESCAPES[character!] ?? whole; // Python, too, keeps the backslash of an unknown escape
    },
  );

/** Ingredients and directions of a recipe in Markdown, or why it has none. */
export function markdownRecipe(
  markdown: string,
): { ingredients: string[]; directions: string } | string {
  const section = (name: string) =>
    markdown.match(new RegExp(`^## +${name}[^\\n]*\\n([^]*?)(?=^## |$(?![^]))`, "im"))?.[1];
  const ingredients = [...(section("ingredients") ?? "").matchAll(/^\s*[-*] +(.+)$/gm)]
    .map((match) => match[1]!.trim());
  if (ingredients.length === 0) return "no list under ## Ingredients";
  const directions = (section("directions") ?? "")
    .replace(/!\[[^\]]*\]\([^)]*\)/g, "") // pictures
    .replace(/\n{3,}/g, "\n\n").trim();
  return directions === "" ? "nothing under ## Directions" : { ingredients, directions };
}
