/** `deno task golden FOLDER…`: compares checkpoints with what PyTorch and transformers compute. */
import { basename, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { createEngine } from "@implicit/engine";
import { reportGolden, tolerances } from "implicit/testing";

const allowed = Object.entries(tolerances).map(([name, value]) => `${name} ${value}`).join(", ");
const program = new Command("deno task golden")
  .description(
    "Compare checkpoints with the golden.json in their folders, compiled and eager.\n" +
      "Prints for each the largest relative error of the two ways, and exits 1 where one is out of\n" +
      `tolerance: ${allowed}.`,
  )
  .argument("<folders...>", "folders with config.json, model.safetensors and golden.json")
  .parse();

const engines = [await createEngine(), await createEngine({ kind: "eager" })];
const kinds = engines.map((engine) => engine.describe());
console.error(kinds.map(({ kind, backend }) => `${kind} on ${backend}`).join(", "));
for (const folder of program.args) {
  const { good, line } = await reportGolden(folder, engines).catch(({ message }: Error) => ({
    good: false,
    line: `FAULT  ${basename(resolve(folder)).padEnd(22)} ${message}`,
  }));
  console.log(line);
  if (!good) process.exitCode = 1;
}
