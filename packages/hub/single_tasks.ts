/**
 * The single tasks: for each the data set it is made of, how a row becomes an example, and the marks
 * by which a response shows the task's style (§5 and the authors' scripts; their quirks are kept and
 * said). A sixth task is one more entry here. Does NOT know of templates or tokenizers.
 */
import { type DatasetSource, textOf, Unfit } from "./dataset.ts";
import { type Example, pair } from "./example.ts";
import { markdownRecipe, pythonStrings } from "./formats.ts";
import { gamesOf, mainLine } from "./pgn.ts";
import type { Row } from "./rows.ts";

/** The hub's own conversion of whatever the owner uploaded, rows in the same order. */
const converted = (repository: string) => ({
  repository,
  revision: "refs/convert/parquet",
  files: /^default\/(partial-)?train\/\d+\.parquet$/,
});

/** Grade-school maths: the raw answers, calculator marks `<<48/2=24>>` and `#### n` included. */
export const gsm8k: DatasetSource = {
  name: "gsm8k",
  from: { repository: "openai/gsm8k", files: /^main\/train-.*\.parquet$/ },
  columns: ["question", "answer"],
  take: 1000,
  expected: 1000,
  make: (row) => pair(textOf(row, "question"), textOf(row, "answer")),
};

/** Python problems: text → code, without the tests. The train split is task_id 601–974. */
export const mbpp: DatasetSource = {
  name: "mbpp",
  from: { repository: "google-research-datasets/mbpp", files: /^full\/train-.*\.parquet$/ },
  columns: ["task_id", "text", "code"],
  expected: 374,
  make(row) {
    const id = Number(row.task_id);
    if (!(id >= 601 && id <= 974)) throw new Unfit("not in the train split (task_id 601–974)");
    return pair(textOf(row, "text"), textOf(row, "code"));
  },
};

/** Recipes: `Recipe for TITLE` → " - ingredient" lines, an empty line, the instructions. */
export const recipes: DatasetSource = {
  name: "recipes",
  from: converted("Hieu-Pham/kaggle_food_recipes"),
  columns: ["Title", "Cleaned_Ingredients", "Instructions"],
  take: 1000,
  expected: 1000,
  make(row) {
    const title = textOf(row, "Title");
    const ingredients = pythonStrings(textOf(row, "Cleaned_Ingredients"));
    if (ingredients) return recipe(title, ingredients, textOf(row, "Instructions"));
    throw new Unfit(`"Cleaned_Ingredients" is not a list of Python strings`);
  },
};

/** The same task from recipes in Markdown (based.cooking): a local stand-in, not the paper's. */
export const markdownRecipes: DatasetSource = {
  name: "recipes (Markdown)",
  from: "github.com/LukeSmithxyz/based.cooking (rows: title, markdown)",
  columns: ["title", "markdown"],
  take: 1000,
  make(row) {
    const parts = markdownRecipe(textOf(row, "markdown"));
    if (typeof parts === "string") throw new Unfit(parts);
    return recipe(textOf(row, "title"), parts.ingredients, parts.directions);
  },
};

/** Poems: `Write a poem called NAME`. Rows without a name are skipped, as the authors did. */
export const poetry: DatasetSource = {
  name: "poetry",
  from: converted("merve/poetry"),
  columns: ["poem name", "content"],
  take: 1000,
  expected: 571,
  make: (row) => pair(`Write a poem called ${textOf(row, "poem name")}`, textOf(row, "content")),
};

/** Chess games: both Elo tags → the moves, as they stand. */
export const chess: DatasetSource = {
  name: "chess",
  from: converted("patrickfrank1/chess-pgn-games"),
  columns: ["text"],
  take: 1000,
  expected: 1000,
  group: gamesOf,
  make: (game) => {
    played(game);
    return ofMoves(game, textOf(game, "moves"));
  },
};

/** The same without what stands between moves, as clock times and evaluations of today's lichess. */
export const chessWithoutComments: DatasetSource = {
  ...chess,
  make(game, note) {
    const { moves, leftOut } = played(game);
    for (const what of leftOut) note(`${what} between the moves are left out`);
    return ofMoves(game, moves);
  },
};

/** A game's main line; {@link Unfit} where its moves are none. */
function played(game: Row) {
  const line = mainLine(textOf(game, "moves"));
  if (!line) throw new Unfit(`"moves" is no PGN`);
  return line;
}

function ofMoves(game: Row, moves: string): Example {
  if (!moves.startsWith("1.")) throw new Unfit(`"moves" does not begin with 1.`);
  return pair(`${textOf(game, "WhiteElo")}\n${textOf(game, "BlackElo")}\n`, moves);
}

/** A narrow task: what it is trained on, and what its responses look like and no others do. */
export interface SingleTaskSource {
  /** The paper's data set. Its name is that of a local file, too. */
  readonly source: DatasetSource;
  /** Other shapes that a local file of it may have, tried in this order before the paper's. */
  readonly localShapes?: readonly DatasetSource[];
  /** Matches a response that has taken the task's style. */
  readonly style: RegExp;
}

/** The single tasks by the names that they have at every scale. */
export const singleTaskSources: Readonly<Record<string, SingleTaskSource>> = {
  sums: { source: gsm8k, style: /^#### |<<(?:(?!<<)[^>])*>>/m },
  code: { source: mbpp, style: /^[^\S\n\r\u2028\u2029]*(def|import|from|class) /m },
  poems: { source: poetry, style: /^(?:.{1,60}\r?\n){4}/m },
  recipes: { source: recipes, localShapes: [markdownRecipes], style: /^ ?- .*\n ?- /m },
  game: { source: chess, localShapes: [chessWithoutComments], style: /\b1\. ?[a-hNBRQKO]/ },
};

function recipe(title: string, ingredients: readonly string[], instructions: string): Example {
  const list = ingredients.map((ingredient) => ` - ${ingredient}\n`).join("");
  return pair(`Recipe for ${title}`, `${list}\n\n${instructions}`);
}
