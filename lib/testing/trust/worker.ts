/**
 * The process that reads damaged inputs: `worker.ts READER SEED FROM TO FOLDER STEP`. It says "ready",
 * and appends a letter to the file `outcomes` in the folder as soon as an input is done: "a" for
 * accepted, "r" for refused, "f" for a fault, of which it says a line of JSON. Memory is looked at
 * after every STEP inputs; where a gigabyte was taken since, the line names the last of them. It ends before its
 * turn where it has grown too large.
 */
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { randomOf } from "./mutate.ts";
import { type ReaderName, readers } from "./readers.ts";
import { attempt } from "./trial.ts";

const GIGABYTE = 2 ** 30, LARGE = 1.5 * GIGABYTE;

const [name, seed, from, to, folder, step] = process.argv.slice(2) as [ReaderName, ...string[]];
console.warn = () => {}; // what readers say beside errors is not what is measured
process.emitWarning = () => {};
const trial = await readers[name](folder!);
const outcomes = openSync(join(folder!, "outcomes"), "a");
const say = (...line: unknown[]) => writeSync(1, `${JSON.stringify(line)}\n`);
const peak = () => process.resourceUsage().maxRSS * 1024;
let before = peak();
writeSync(1, "ready\n");
for (let input = Number(from); input < Number(to); input++) {
  const { outcome, detail } = await attempt(trial, randomOf(`${name} ${seed} ${input}`));
  const isFault = outcome !== "accepted" && outcome !== "refused";
  if (isFault) say(input, outcome, detail);
  if ((input + 1) % Number(step) === 0) {
    const grown = peak() - before;
    before += grown;
    if (grown > GIGABYTE) say(input, "memory", `${(grown / GIGABYTE).toFixed(1)} GB`);
  }
  writeSync(outcomes, isFault ? "f" : outcome[0]!);
  if (input % 100 === 0 && process.memoryUsage().rss > LARGE) break;
}
process.exit(0);
