/** A process in place of the worker's, for its test: it accepts inputs, but hangs at 3 and dies at 5. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const [, , from, to, folder, step] = process.argv.slice(2) as string[];
const isOneByOne = step === "1"; // when it is looked for which of some inputs took a gigabyte
console.log("ready");
for (let input = Number(from); input < Number(to); input++) {
  if (input === 3 && !isOneByOne) { for (;;); }
  if (input === 5 && !isOneByOne) process.exit(7);
  if (input === 6) console.log(JSON.stringify([input, "nonsense", `no ${input}`]));
  const isLarge = input === (isOneByOne ? 7 : 8);
  if (isLarge) console.log(JSON.stringify([input, "memory", "1.5 GB"]));
  appendFileSync(join(folder!, "outcomes"), input === 6 ? "f" : "a");
}
