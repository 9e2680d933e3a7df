/**
 * `deno task ok`: every check there is, in the order in which they are cheapest to mend.
 *
 * Knows which commands are checks; it does not know what they look at.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";

new Command("deno task ok")
  .description(
    "Check the format, the lint rules, the types and the tests; stop at the first fault.",
  )
  .parse();

// "fmt --check" finds fault with every notebook whose cells do not end in an empty line, as Jupyter's
// never do, although "fmt" then changes nothing: notebooks are compared with what "fmt" makes of them.
console.log("\n— deno fmt, notebooks");
for (const name of readdirSync("notebooks").filter((name) => name.endsWith(".ipynb"))) {
  const path = join("notebooks", name);
  const input = readFileSync(path);
  const options = { input, maxBuffer: 2 ** 30 };
  const { stdout, stderr } = spawnSync(Deno.execPath(), ["fmt", "--ext=ipynb", "-"], options);
  if (input.equals(stdout)) continue;
  console.error(`\nExpected ${path} to be formatted: run "deno fmt". ${stderr}`);
  process.exit(1);
}

const texts =
  "data README.md CONTRIBUTING.md notebooks/README.md notebooks/glossary.md deno.json package.json environment.yml environment-gpu.yml";
const checks = [
  `fmt --check lib packages tasks web ${texts}`,
  "lint",
  "check lib packages tasks web",
  "task test",
];
for (const check of checks) {
  console.log(`\n— deno ${check}`);
  const { status } = spawnSync(Deno.execPath(), check.split(" "), { stdio: "inherit" });
  if (status !== 0) {
    console.error(`\nExpected "deno ${check}" to succeed but found the faults above.`);
    process.exit(1);
  }
}
