/**
 * `deno task export`: writes a model for Hugging Face transformers and transformers.js.
 */
import { Command, Option } from "commander";
import { stat } from "node:fs/promises";
import { exportModel, type ExportType, loadModel } from "@implicit/hub";
import { jsonObject, orSayWhy } from "./arguments.ts";

const options = new Command("deno task export")
  .description(
    "Write a model as safetensors, config.json and tokenizer, which Hugging Face transformers loads,\n" +
      "and as ONNX with a key/value cache, which transformers.js loads.",
  )
  .requiredOption("--model <folder or hub id>", "the model to export")
  .option("--base <folder or hub id>", "of a PEFT adapter, if not the one that it names")
  .option("--override <json>", "options in place of those of its config.json", jsonObject)
  .requiredOption("--out <folder>", "where to write it")
  .addOption(
    new Option("--dtype <type>", "weights of the ONNX file")
      .choices(["fp32", "fp16", "q8", "q4"]).default("fp32"),
  )
  .parse()
  .opts<{
    model: string;
    base?: string;
    override?: Record<string, unknown>;
    out: string;
    dtype: ExportType;
  }>();

await orSayWhy(async () => {
  const { base, override } = options;
  const { model } = await loadModel(options.model, { base, override });
  const { onnx, data } = await exportModel(model, options.out, { dtype: options.dtype });
  for (const path of [onnx, ...(data ? [data] : [])]) {
    console.log(`${path}  ${((await stat(path)).size / 1e6).toFixed(1)} MB`);
  }
  console.log(`transformers.js:  AutoModelForCausalLM.from_pretrained("${options.out}")`);
});
