/** The README's example runs, and prints what it says, on a hub of this machine. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveCheckpoint } from "@implicit/decoder";
import { tinyModel } from "@implicit/decoder/testing";
import { startHub } from "./testing/loopback.ts";
import { filesOf, tinyTokenizer } from "./testing/tiny.ts";

const here = import.meta.dirname!;

Deno.test("the README's example prints what it says", async () => {
  const readme = await readFile(join(here, "README.md"), "utf8");
  const code = readme.match(/```ts\n([^]*?)```/)![1]!;
  const said = [...code.matchAll(/console\.log\(.*\/\/ (.*)/g)].map(([, text]) => text!);
  const folder = await mkdtemp(join(tmpdir(), "readme-"));
  const script = join(here, ".readme_example.ts"); // inside the workspace, whose names it imports
  await saveCheckpoint(tinyModel(), folder);
  await writeFile(join(folder, "tokenizer.json"), tinyTokenizer("Wher?"));
  const text = (value: string) => new TextEncoder().encode(value);
  const rows = [["Where?", "There."], ["Who?", "She."], ["Why?", ""]]
    .map(([question, answer]) => JSON.stringify({ question, answer })).join("\n");
  const hub = await startHub({
    "lab/rivers": { kind: "dataset", files: { "rivers.jsonl": text(rows) } },
    "lab/tiny": {
      files: await filesOf(folder, "config.json", "model.safetensors", "tokenizer.json"),
      large: ["model.safetensors"],
    },
  });
  try {
    await writeFile(script, code);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--check", script],
      cwd: folder,
      env: {
        HF_ENDPOINT: hub.endpoint,
        HF_HUB_CACHE: join(folder, "cache"),
        HF_HUB_OFFLINE: "",
        HF_TOKEN: "hf_reader",
      },
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const printed = new TextDecoder().decode(stdout).trim().split("\n");
    assert.deepEqual(printed.map((line) => line.replace(/@[0-9a-f]{7}/, "@…")), said);
    await readFile(join(folder, "tiny-q8", "onnx", "model_quantized.onnx"));
  } finally {
    await hub.close();
    await rm(script, { force: true });
    await rm(folder, { recursive: true });
  }
});
