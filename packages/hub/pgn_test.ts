import { deepEqual, equal } from "node:assert/strict";
import { gamesOf, mainLine } from "./pgn.ts";

async function games(text: string) {
  async function* lines() {
    for (const line of text.split("\n")) yield { text: line };
  }
  return await Array.fromAsync(gamesOf(lines()));
}
const WHITE = '[WhiteElo "1500"]';
const BLACK = '[BlackElo "1600"]';

Deno.test("gamesOf() takes both Elo lines and the moves of each game, and no line of its neighbour", async () => {
  const text = `[Event "x"]
${WHITE}
${BLACK}
[WhiteRatingDiff "+6"]

1. e4 e5 1-0

${BLACK}

1. d4 d5 0-1

${WHITE}
${BLACK}

0-1`;
  deepEqual(await games(text), [
    { WhiteElo: WHITE, BlackElo: BLACK, moves: "1. e4 e5 1-0" },
    { BlackElo: BLACK, moves: "1. d4 d5 0-1" },
    { WhiteElo: WHITE, BlackElo: BLACK },
  ]);
  deepEqual(await games(text.replaceAll("\n\n", "\n")), await games(text));
  deepEqual(await games(""), []);
});

Deno.test("gamesOf() knows tags, comments, escapes and results wherever they stand", async () => {
  const text = `[Event "a"] [WhiteElo "1500"]
[ BlackElo  "1600" ]
% an escape

1.e4 {a comment
[WhiteElo "9"] that goes on} e5
2. Nf3 ; 1-0 of a comment
Nc6 1/2-1/2
1. d4 d5 *

[White "no moves"]
[White "the next"]
${WHITE}
${BLACK}
1. e4 {never closed

[Event "b"]
${WHITE}
1. O-O *`;
  deepEqual(await games(text), [
    {
      WhiteElo: WHITE,
      BlackElo: BLACK,
      moves:
        '1.e4 {a comment\n[WhiteElo "9"] that goes on} e5\n2. Nf3 ; 1-0 of a comment\nNc6 1/2-1/2',
    },
    { moves: "1. d4 d5 *" },
    {},
    { WhiteElo: WHITE, BlackElo: BLACK, moves: "1. e4 {never closed" },
    { WhiteElo: WHITE, moves: "1. O-O *" },
  ]);
  deepEqual(await games(text.replaceAll("\n", "\r\n")), await games(text));
});

Deno.test("mainLine() gives the moves as numbered, and says what it leaves out", () => {
  const moves = "1. e4 c5?! 2. Nf3 $14 d6 3. O-O-O# 1-0";
  const clocks = "1. e4 { [%clk 0:01] } 1... c5?! {a}{b} 2. Nf3$14\n2... d6 3.O-O-O# ; end\n1-0";
  deepEqual(mainLine(moves), { moves, leftOut: [] });
  deepEqual(mainLine(clocks), { moves, leftOut: ["comments"] });
  deepEqual(mainLine("1.e4 e5 (1... c5 2. f4 (2. c3)) 2.exd5+ e8=Q *"), {
    moves: "1. e4 e5 2. exd5+ e8=Q *",
    leftOut: ["variations"],
  });
  equal(mainLine("23... Kf8 24. Rd1")?.moves, "23... Kf8 24. Rd1");
  equal(mainLine("12. e4 e5 13. c3 0-1")?.moves, "12. e4 e5 13. c3 0-1");
});

Deno.test("mainLine() refuses what is no PGN, in linear time", () => {
  const bad = [
    "",
    "once upon a time",
    "1. e4 {",
    "1. e4 e5 1. d4",
    "1. e4 e5 3. c3",
    "1. e4 (1. d4",
  ];
  for (const text of bad) equal(mainLine(text), null, text);
  for (const unit of ["{a} ", "(1. d4 ", "$1 ", " ", "1. e4 ", ";\n", "{[", "9"]) {
    mainLine(`1. e4 ${unit.repeat(50_000)}`);
  }
});
