/**
 * The process that reads damaged inputs: `worker.ts READER SEED FROM TO FOLDER STEP`. It says "ready",
 * and writes a letter for each input, as soon as it is done, to its place in the file `outcomes` in
 * the folder: "a" for accepted, "r" for refused, "f" for a fault, of which it says a line of JSON.
 * Some inputs are under way at once, for reading is mostly waiting; with STEP 1 one is. Memory is
 * looked at after every STEP inputs; where a gigabyte was taken since, the line names the last of
 * them. It ends before its turn where it has grown too large.
 */
import { mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { LANES } from "./inputs.ts";
import { randomOf } from "./mutate.ts";
import { type ReaderName, readers } from "./readers.ts";
import { attempt } from "./trial.ts";

const GIGABYTE = 2 ** 30, LARGE = 1.5 * GIGABYTE;

/** Seconds after which an input that leaves the process free counts as a hang. */
const PATIENCE = 60;

const [name, seed, from, to, folder, step] = process.argv.slice(2) as [ReaderName, ...string[]];
const first = Number(from), every = Number(step);
console.warn = () => {}; // what readers say beside errors is not what is measured
process.emitWarning = () => {};
const lanes = Array.from({ length: every === 1 ? 1 : LANES }, (_, i) => join(folder!, `lane-${i}`));
const begin = (place: string) => (mkdirSync(place), readers[name](place));
const trials = await Promise.all(lanes.map(begin));
const outcomes = openSync(join(folder!, "outcomes"), "w");
const say = (...line: unknown[]) => writeSync(1, `${JSON.stringify(line)}\n`);
const peak = () => process.resourceUsage().maxRSS * 1024;
let before = peak(), next = first, done = 0, end = Number(to);
writeSync(1, "ready\n");
await Promise.all(trials.map(async (trial, lane) => {
  while (next < end) {
    const input = next++;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), 1000 * PATIENCE);
    });
    const found = await Promise.race([attempt(trial, randomOf(`${name} ${seed} ${input}`)), late]);
    clearTimeout(timer);
    const { outcome, detail } = found ?? { outcome: "hang", detail: `no answer in ${PATIENCE} s` };
    const isFault = outcome !== "accepted" && outcome !== "refused";
    if (isFault) say(input, outcome, detail);
    if (++done % every === 0) {
      const grown = peak() - before;
      before += grown;
      if (grown > GIGABYTE) say(input, "memory", `${(grown / GIGABYTE).toFixed(1)} GB`);
      if (process.memoryUsage().rss > LARGE) end = next;
    }
    writeSync(outcomes, isFault ? "f" : outcome[0]!, input - first);
    if (!found) trial = await begin(`${lanes[lane]}-${input}`); // what hangs may still write
  }
}));
process.exit(0);
