/** Trials of what reads data sets: Parquet, JSON Lines, JSON, the CSV tables of AlpacaEval, PGN. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { readDifficulty, readGamed } from "@implicit/alpaca-eval";
import {
  type DatasetSource,
  type Example,
  loadDataset,
  readRows,
  type Row,
  sources,
} from "@implicit/hub";
import { mutateBytes, mutateJson, pick, type Random } from "../mutate.ts";
import type { Reader } from "../trial.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function all(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of readRows(path)) rows.push(row);
  return rows;
}

/** What a row of each data set looks like. */
const rows: readonly (readonly [DatasetSource, Row])[] = [
  [sources.gsm8k, { question: "1+1?", answer: "2 é😀" }],
  [sources.alpaca, { instruction: "a\u2028b", input: "", output: "c\n" }],
  [sources.lima, { conversations: ["a", "b", "c"] }],
  [
    sources.messages,
    { messages: [{ role: "user", content: "hi" }, { role: "assistant", content: "yo" }] },
  ],
  [sources.recipes, { Title: "x", Cleaned_Ingredients: "['a', \"b's\"]", Instructions: "c" }],
];
/** A file of lines or of one array, gzipped or not; read again as the standards say. */
function textRows(ending: "jsonl" | "json", read: (text: string) => unknown[]): Reader {
  return (folder) =>
    Promise.resolve(async (random) => {
      const [source, row] = pick(random, rows);
      const list = [row, row];
      const lines = () =>
        list.map((row) => random(2) > 0 ? mutateJson(random, row) : JSON.stringify(row));
      let bytes = bytesOf(
        ending === "json" ? mutateJson(random, list) : lines().join(pick(random, ["\n", "\r\n"])),
      );
      if (random(2) > 0) bytes = mutateBytes(random, bytes);
      const isPacked = random(4) === 0;
      if (isPacked) bytes = Uint8Array.from(gzipSync(bytes, { level: 1 }));
      if (isPacked && random(3) === 0) bytes = mutateBytes(random, bytes);
      const path = join(folder, `rows.${ending}${isPacked ? ".gz" : ""}`);
      writeFileSync(path, bytes);
      const found: Row[] = [];
      const make: DatasetSource["make"] = (row, note) => (found.push(row), source.make(row, note));
      const examples = (await loadDataset({ ...source, make }, { path })).items;
      return () => {
        const plain = isPacked ? gunzipSync(bytes) : bytes;
        const expected = read(new TextDecoder("utf-8", { fatal: true }).decode(plain));
        assert.equal(JSON.stringify(found), JSON.stringify(expected));
        for (const row of found) {
          assert.ok(row !== null && typeof row === "object" && !Array.isArray(row));
        }
        checkExamples(examples);
      };
    });
}

export const jsonLines = textRows(
  "jsonl",
  (text) => text.split(/\r?\n/).filter((line) => /[^ \t\r]/.test(line)).map((line) => parsed(line)),
);

export const json = textRows("json", (text) => parsed(text) as unknown[]);

/** JSON in which whole words may be Python's numbers. */
function parsed(text: string): unknown {
  const words = new Map([["NaN", "null"], ["Infinity", "1e999"], ["-Infinity", "-1e999"]]);
  return JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|[^\s{}[\],:"]+/g, (word) => words.get(word) ?? word),
  );
}

function checkExamples(examples: readonly Example[]): void {
  for (const { messages } of examples) {
    assert.ok(messages.some(({ role }) => role === "assistant"), "no response");
    for (const { content } of messages) assert.equal(typeof content, "string");
  }
}

/** Parquet: as many rows as it has, all of the same columns. (It carries no hashes of its values.) */
export const parquet: Reader = async (folder) => {
  const whole = readFileSync(new URL("../testdata/rows.parquet", import.meta.url));
  const path = join(folder, "rows.parquet");
  writeFileSync(path, whole);
  const { length } = await all(path);
  return async (random) => {
    writeFileSync(path, mutateBytes(random, whole));
    const found = await all(path);
    return () => {
      assert.equal(found.length, length, "rows");
      const columns = Object.keys(found[0]!).join();
      for (const row of found) {
        assert.equal(Object.keys(row).join(), columns);
        assert.ok(Object.values(row).every((value) => value !== undefined), "a value is missing");
      }
    };
  };
};

const DIFFICULTY = "index,instruction_difficulty\n0,0.5\n1,-1.5\n2,3\n3,1e-3\n4,2\n5,1\n";
const GAMED =
  ",preference,std_delta_len,instruction_difficulty\n0,0.5,1,2\n1,0.1,-1,3\n2,1,0,1e-2\n";

/** The two tables of the length-controlled model: finite numbers, each where it stood. */
export const csv: Reader = (folder) =>
  Promise.resolve(async (random) => {
    const path = join(folder, "table.csv"), isDifficulty = random(2) > 0;
    const bytes = mutateBytes(random, bytesOf(isDifficulty ? DIFFICULTY : GAMED));
    writeFileSync(path, bytes);
    const numbers = isDifficulty
      ? (await readDifficulty(path)).map((difficulty) => [difficulty])
      : (await readGamed(path)).map((
        row,
      ) => [row.preference, row.std_delta_len, row.instruction_difficulty]);
    return () => {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      assert.ok(numbers.length < text.split(/\r\n|\r|\n/).length, "more rows than lines");
      assert.ok(numbers.flat().every(Number.isFinite), "no finite number");
      if (!isDifficulty) {
        assert.ok(numbers.every(([p]) => p! >= 0 && p! <= 1), "a probability outside of 0 to 1");
      }
    };
  });

const PGN = `[Event "x"]
[WhiteElo "1500"]
[BlackElo "1600"]

1. e4 { [%clk 0:01] } 1... e5 2. Nf3 Nc6 1-0

[Event "y \\"z\\""]
[WhiteElo "1700"]
[BlackElo "1800"]

1. d4 d5 2. c4 (2. Nf3 Nf6) 2... e6 $1 1/2-1/2
`;

/** Chess games: both Elo lines, and a text with moves, which stands as it stood. */
export const pgn: Reader = (folder) =>
  Promise.resolve(async (random: Random) => {
    const path = join(folder, "games.pgn");
    writeFileSync(path, mutateBytes(random, bytesOf(PGN)));
    const source = pick(random, [sources.chess, sources.chessWithoutComments]);
    const { items } = await loadDataset(source, { path });
    return () => {
      checkExamples(items);
      assert.ok(items.length <= 5, "more games than there can be");
      for (const { messages: [elo, moves] } of items) {
        assert.match(elo!.content, /^\[WhiteElo [^\n]*\n\[BlackElo [^\n]*\n$/);
        assert.match(moves!.content, /^1\.\s*\S/);
        assert.match(moves!.content, /[a-hKQRBNO][a-h1-8xO-]/, "no move");
      }
    };
  });
