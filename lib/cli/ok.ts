/**
 * `deno task ok`: every check there is, in the order in which they are cheapest to mend.
 *
 * Knows which commands are checks; it does not know what they look at.
 */
import process from "node:process";
import { spawnSync } from "node:child_process";
import { Command } from "commander";

new Command("deno task ok")
  .description(
    "Check the format, the lint rules, the types and the tests; stop at the first fault.",
  )
  .parse();

const checks = [["fmt", "--check"], ["lint"], ["check", "lib"], ["task", "test"]];
for (const check of checks) {
  console.log(`\n— deno ${check.join(" ")}`);
  const { status } = spawnSync(Deno.execPath(), check, { stdio: "inherit" });
  if (status !== 0) {
    console.error(`\nExpected "deno ${check.join(" ")}" to succeed but found the faults above.`);
    process.exit(1);
  }
}
