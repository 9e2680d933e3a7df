/** A process in place of the worker's, for its test: it accepts inputs, but hangs at 3 and dies at 5. */
import process from "node:process";

const [, , from, to] = process.argv.slice(2);
console.log("ready");
for (let input = Number(from); input < Number(to); input++) {
  if (input === 3) { for (;;); }
  if (input === 5) process.exit(7);
  console.log(JSON.stringify(input === 6 ? ["nonsense", `no ${input}`] : ["accepted"]));
}
