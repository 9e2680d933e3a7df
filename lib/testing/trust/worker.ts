/**
 * The process that reads damaged inputs: `worker.ts READER SEED FROM TO FOLDER`. It says one line of
 * JSON an input, as soon as it is done; it ends before its turn where it has grown too large.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { randomOf } from "./mutate.ts";
import { type ReaderName, readers } from "./readers.ts";
import { attempt } from "./trial.ts";

const LARGE = 1.5 * 2 ** 30;

const [name, seed, from, to, folder] = process.argv.slice(2) as [ReaderName, ...string[]];
console.warn = () => {}; // what readers say beside errors is not what is measured
process.emitWarning = () => {};
const trial = await readers[name](folder!);
writeSync(1, "ready\n");
for (let input = Number(from); input < Number(to); input++) {
  const { outcome, detail } = await attempt(trial, randomOf(`${name} ${seed} ${input}`));
  writeSync(1, `${JSON.stringify([outcome, detail])}\n`);
  if (process.memoryUsage().rss > LARGE) break;
}
process.exit(0);
