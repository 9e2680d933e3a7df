/**
 * `deno task judge`: prints what AlpacaEval's leaderboard would say of an annotations file.
 *
 * Reads arguments and files and prints; the arithmetic is alpaca-eval's.
 */
import { Command } from "commander";
import {
  leaderboardRow,
  readAnnotations,
  readDifficulty,
  readGamed,
  readModelOutputs,
} from "@implicit/alpaca-eval";
import { plainText } from "@implicit/notebook";
import { orSayWhy } from "./arguments.ts";

/** A value as the table shows it; --json has every digit. */
const shown = (value: number | string | null) =>
  typeof value === "number" ? String(Number(value.toFixed(4))) : value ?? "–";

const options = new Command("deno task judge")
  .description(
    "Print the row of AlpacaEval's leaderboard for a file of annotations.\n" +
      "Files are AlpacaEval's own, plain or gzipped. Rates are in percent, lengths in code points.",
  )
  .requiredOption("--annotations <file>", "annotations.json: the judge's preferences")
  .option("--outputs <file>", "model_outputs.json of the judged model, for the average length")
  .option("--difficulty <file>", "CSV of instruction difficulties by row, for length control")
  .option("--gamed <file>", "CSV of the gamed baselines, for length control (needs --difficulty)")
  .option("--json", "print JSON instead of a table")
  .parse()
  .opts<Record<"annotations" | "outputs" | "difficulty" | "gamed", string> & { json?: boolean }>();

await orSayWhy(async () => {
  const annotations = await readAnnotations(options.annotations);
  const row = leaderboardRow(annotations, {
    outputs: options.outputs ? await readModelOutputs(options.outputs) : undefined,
    difficulty: options.difficulty ? await readDifficulty(options.difficulty) : undefined,
    gamed: options.gamed ? await readGamed(options.gamed) : undefined,
  });
  if (options.json) {
    console.log(plainText(JSON.stringify(row, null, 2)));
  } else {
    for (const [name, value] of Object.entries(row)) {
      console.log(plainText(`${name.padEnd(36)}${shown(value)}`));
    }
  }
});
