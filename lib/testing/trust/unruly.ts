/** A process in place of the worker's, for its test: it accepts inputs, but hangs at 3 and dies at 5. */
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const [, , from, to, folder, step] = process.argv.slice(2) as string[];
const isOneByOne = step === "1"; // when it is looked for which of some inputs it was
const isMended = process.env.UNRULY_MENDED !== undefined;
const outcomes = openSync(join(folder!, "outcomes"), "w");
console.log("ready");
for (let input = Number(from); input < Number(to); input++) {
  if (input === 2 && !isOneByOne) continue; // as if it were still under way when 3 and 5 end it
  if (input === 3 && !isMended) { for (;;); }
  if (input === 5 && !isMended) process.exit(7);
  if (input === 6) console.log(JSON.stringify([input, "nonsense", `no ${input}`]));
  const isLarge = input === (isOneByOne ? 7 : 8);
  if (isLarge) console.log(JSON.stringify([input, "memory", "1.5 GB"]));
  writeSync(outcomes, input === 6 ? "f" : "a", input - Number(from));
}
