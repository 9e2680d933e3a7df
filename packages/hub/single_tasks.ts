/**
 * The single tasks: for each the data set it is made of, how a row becomes an example, and the marks
 * by which a response shows the task's style. A sixth task is one more entry here.
 *
 * Source: §5 and the authors' scripts (their quirks are kept and said). Does NOT know of templates or
 * tokenizers.
 */
import { type DatasetSource, textOf } from "./dataset.ts";
import { type Example, pair } from "./example.ts";
import { gamesOf, markdownRecipe, pythonStrings, withoutComments } from "./formats.ts";

/** The hub's own conversion of whatever the owner uploaded, rows in the same order. */
const CONVERTED = "refs/convert/parquet";

/** Grade-school maths: the raw answers, calculator marks `<<48/2=24>>` and `#### n` included. */
export const gsm8k: DatasetSource = {
  name: "gsm8k",
  repository: "openai/gsm8k",
  files: /^main\/train-.*\.parquet$/,
  columns: ["question", "answer"],
  take: 1000,
  expected: 1000,
  make: pairOf("question", "answer"),
};

/** Python problems: text → code, without the tests. The train split is task_id 601–974. */
export const mbpp: DatasetSource = {
  name: "mbpp",
  repository: "google-research-datasets/mbpp",
  files: /^full\/train-.*\.parquet$/,
  columns: ["task_id", "text", "code"],
  take: null,
  expected: 374,
  make(row, note) {
    const id = Number(row.task_id);
    if (!(id >= 601 && id <= 974)) {
      note("not in the train split (task_id 601–974)");
      return null;
    }
    return pairOf("text", "code")(row, note);
  },
};

/** Recipes: `Recipe for TITLE` → " - ingredient" lines, an empty line, the instructions. */
export const recipes: DatasetSource = {
  name: "recipes",
  repository: "Hieu-Pham/kaggle_food_recipes",
  revision: CONVERTED,
  files: /^default\/(partial-)?train\/\d+\.parquet$/,
  columns: ["Title", "Cleaned_Ingredients", "Instructions"],
  take: 1000,
  expected: 1000,
  make(row, note) {
    const title = textOf(row, "Title", note);
    const list = textOf(row, "Cleaned_Ingredients", note);
    const instructions = textOf(row, "Instructions", note);
    if (title === null || list === null || instructions === null) return null;
    const ingredients = pythonStrings(list);
    if (!ingredients) {
      note(`"Cleaned_Ingredients" is not a list of Python strings`);
      return null;
    }
    return recipe(title, ingredients, instructions);
  },
};

/** The same task from recipes in Markdown (based.cooking): a local stand-in, not the paper's. */
export const markdownRecipes: DatasetSource = {
  name: "recipes (Markdown)",
  repository: null,
  home: "github.com/LukeSmithxyz/based.cooking (rows: title, markdown)",
  files: /$^/,
  columns: ["title", "markdown"],
  take: 1000,
  expected: null,
  make(row, note) {
    const title = textOf(row, "title", note);
    const markdown = textOf(row, "markdown", note);
    if (title === null || markdown === null) return null;
    const parts = markdownRecipe(markdown);
    if (typeof parts !== "string") return recipe(title, parts.ingredients, parts.directions);
    note(parts);
    return null;
  },
};

/** Poems: `Write a poem called NAME`. Rows without a name are skipped, as the authors did. */
export const poetry: DatasetSource = {
  name: "poetry",
  repository: "merve/poetry",
  revision: CONVERTED,
  files: /^default\/train\/\d+\.parquet$/,
  columns: ["poem name", "content"],
  take: 1000,
  expected: 571,
  make(row, note) {
    const name = textOf(row, "poem name", note);
    const content = textOf(row, "content", note);
    return name === null || content === null ? null : pair(`Write a poem called ${name}`, content);
  },
};

/** Chess games: both Elo lines → the line of moves, as it stands. */
export const chess: DatasetSource = {
  name: "chess",
  repository: "patrickfrank1/chess-pgn-games",
  revision: CONVERTED,
  files: /^default\/(partial-)?train\/\d+\.parquet$/,
  columns: ["text"],
  take: 1000,
  expected: 1000,
  group: gamesOf,
  make(game, note) {
    const white = textOf(game, "WhiteElo", note);
    const black = textOf(game, "BlackElo", note);
    const moves = textOf(game, "moves", note);
    if (white === null || black === null || moves === null) return null;
    return pair(`${white}\n${black}\n`, moves);
  },
};

/** The same from files of today's lichess: no clock times and evaluations (`{ [%clk 0:01:00] }`). */
export const chessWithoutComments: DatasetSource = {
  ...chess,
  make: ({ moves, ...game }, note) =>
    chess.make(
      { ...game, moves: typeof moves === "string" ? withoutComments(moves) : moves },
      note,
    ),
};

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
  sums: { source: gsm8k, style: /^#### |<<[^>]*>>/m },
  code: { source: mbpp, style: /^\s*(def|import|from|class) /m },
  poems: { source: poetry, style: /^(?:.{1,60}\r?\n){4}/m },
  recipes: { source: recipes, localShapes: [markdownRecipes], style: /^ ?- .*\n ?- /m },
  game: {
    source: chess,
    localShapes: [chessWithoutComments],
    style: /\b1\. ?[a-hNBRQKO]/,
  },
};

function pairOf(instructionColumn: string, responseColumn: string): DatasetSource["make"] {
  return (row, note) => {
    const instruction = textOf(row, instructionColumn, note);
    const response = textOf(row, responseColumn, note);
    return instruction === null || response === null ? null : pair(instruction, response);
  };
}

function recipe(title: string, ingredients: readonly string[], instructions: string): Example {
  const list = ingredients.map((ingredient) => ` - ${ingredient}\n`).join("");
  return pair(`Recipe for ${title}`, `${list}\n\n${instructions}`);
}
