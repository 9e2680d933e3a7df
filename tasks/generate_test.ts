import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));

async function task(name: "generate" | "export", ...args: string[]) {
  const script = join(root, "tasks", `${name}.ts`);
  const command = ["run", "-A", "--no-check", script, ...args];
  try {
    return { ...await promisify(execFile)(Deno.execPath(), command, { cwd: root }), code: 0 };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

Deno.test("generate prints a continuation or JSON, also of what export wrote", async () => {
  const base = join(root, "data", "world", "base-1");
  const options = ["--prompt", "The ", "--max-tokens", "6"];
  const json = await task("generate", ...options, "--json");
  const found = JSON.parse(json.stdout);
  const keys = ["prompt_ids", "ids", "text", "seconds", "weights", "engine"];
  assert.deepEqual(Object.keys(found), keys);
  assert.ok(found.ids.length <= 6 && found.prompt_ids.length > 0 && found.seconds > 0);
  const text = await task("generate", ...options, "--model", base);
  assert.equal(text.stdout, `${found.text}\n`);
  const rounded = JSON.parse(
    (await task("generate", ...options, "--weights", "q8", "--json")).stdout,
  );
  assert.equal(`${found.weights} ${rounded.weights}`, "fp32 q8");
  assert.equal(rounded.ids.length, found.ids.length);
  const rules = ["--template", "--rules", "eos,uniform", "--json"];
  assert.ok(JSON.parse((await task("generate", ...options, ...rules)).stdout).ids.length <= 6);

  const folder = await mkdtemp(join(tmpdir(), "generate-"));
  try {
    const exported = await task("export", "--model", base, "--out", folder);
    assert.match(exported.stdout, /model\.onnx {2}\d+\.\d MB/);
    await rm(join(folder, "model.safetensors")); // the ONNX file alone must do
    const own = [...options, "--json", "--model", folder];
    const again = await task("generate", ...own);
    assert.deepEqual(JSON.parse(again.stdout).ids, found.ids);

    assert.match((await task("generate", ...own, "--weights", "q8")).stderr, /found only .*onnx/);

    const config = join(folder, "config.json");
    await writeFile(config, (await readFile(config, "utf8")).replace("{", '{"alibi": true,'));
    assert.match((await task("generate", ...own)).stderr, /no option "alibi"/);
    const overridden = await task("generate", ...own, "--override", '{"alibi": null}');
    assert.deepEqual(JSON.parse(overridden.stdout).ids, found.ids);
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("generate refuses what it does not know, in a sentence", async () => {
  const cases: [string[], RegExp][] = [
    [["--rules", "eos,luck"], /Expected one of eos, repetition, uniform/],
    [["--template", "chatty"], /Expected one of tulu, ab/],
    [["--model", "no/such/folder/at/all"], /Expected a model's name .*no\/such\/folder/],
    [["--base", "elsewhere"], /Expected an adapter in .* its base is named \(elsewhere\)/],
    [["--override", "[1]"], /Expected a JSON object/],
    [["--weights", "q2"], /Allowed choices are fp32, q8/],
    [["--max-tokens", "many"], /Expected a whole number, from 0 on/],
  ];
  for (const [args, expected] of cases) {
    const { code, stderr } = await task("generate", "--prompt", "x", ...args);
    assert.equal(code, 1);
    assert.match(stderr, expected);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
  }
});
