/** No key and no token reaches a file that is written, whatever the hub and the judge's endpoint repeat. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { startHub } from "@implicit/hub/testing";
import { projectRoot } from "../../study/settings.ts";

const KEY = "sk-S3CRET/0123456789", TOKEN = "hf_S3CRETabcdefghij";
const forms = [KEY, TOKEN].flatMap((secret) => [
  ...[secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")],
  secret.replaceAll("/", "\\/"),
]);

/** A judge that repeats whatever it is sent; below /wrong it refuses the key. */
async function startEcho() {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    seen.push(authorization);
    request.resume().on("end", () => {
      const isWrong = request.url!.startsWith("/wrong");
      const echo = { authorization, headers: request.headers, url: request.url };
      const top_logprobs = [{ token: "m", logprob: -0.1 }, { token: "M", logprob: -2.3 }];
      const choice = {
        message: { content: "m", echo },
        logprobs: { content: [{ token: "m", top_logprobs }] },
      };
      const body = isWrong
        ? { error: { message: `Wrong: ${authorization}`, param: authorization } }
        : { choices: [choice], echo };
      response.writeHead(isWrong ? 401 : 200, {
        "content-type": "application/json",
        "x-request-id": authorization,
      });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, seen, close };
}

const cells = (url: string) =>
  [
    `import { arms, compareArms, endpointJudge, openStudy, record } from "implicit";
const study = await openStudy({ scale: "small", seeds: 1, maxTokens: 4 });
await record(study, await compareArms(study, "4.1", [arms.base], arms.base));
const asked = [1, 2].map((i) => ({ instruction: "a" + i, output_1: "b", output_2: "c" }));
console.log(await study.describe(), await endpointJudge({ baseUrl: "${url}/v1" })(asked));`,
    `const judge = endpointJudge({ baseUrl: "${url}/wrong/v1" });
await judge([{ instruction: "a", output_1: "b", output_2: "c" }]);`,
    `await openStudy({ scale: "small", base: "lab/gated" });`,
    `await openStudy({ scale: "small", base: "lab/odd" });`,
  ].map((source, i) => ({
    ...{ cell_type: "code", id: `c${i}`, execution_count: null, outputs: [], source },
    metadata: i === 0 ? {} : { tags: ["raises-exception"] },
  }));

Deno.test("a reproduction with a judge and a hub that repeat key and token writes neither", async () => {
  const cache = join(projectRoot(), ".cache"); // within the project, whose names a notebook imports
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "secrets-"));
  const base = join(projectRoot(), "data", "world", "base-1");
  const names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
  const files = Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, new Uint8Array(await readFile(join(base, name)))] as const),
    ),
  );
  const echo = await startEcho();
  const hub = await startHub({
    "lab/base": { files, large: ["model.safetensors"] },
    "lab/gated": { files, gatedFor: "hf_of_another" },
    "lab/odd": { files: { ...files, "config.json": new TextEncoder().encode("{") } },
  });
  try {
    const data = join(folder, "data"), notebooks = join(folder, "notebooks");
    for (const place of [data, notebooks]) await mkdir(place);
    const lima = { conversations: ["Name a river.", "The Rhine is a river."] };
    await writeFile(join(data, "lima.jsonl"), JSON.stringify(lima));
    const asked = [1, 2, 3].map((i) => ({ instruction: `Name ${i} rivers.`, output: "The Aare." }));
    await writeFile(join(data, "alpaca_eval.json"), JSON.stringify(asked));
    await writeFile(
      join(notebooks, "00 secrets.ipynb"),
      JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: cells(echo.url) }),
    );
    const written = join(folder, "written");
    const said = await reproduce(notebooks, join(written, "out"), {
      ...{ OPENAI_API_KEY: KEY, HF_TOKEN: TOKEN, HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: "" },
      ...{ HF_HUB_CACHE: join(written, "hub"), IMPLICIT_CACHE: join(written, "cache") },
      ...{ IMPLICIT_MODEL: "lab/base", IMPLICIT_DATA: data, IMPLICIT_JUDGE: `${echo.url}/v1` },
    });
    assert.match(said, /Done in/);
    assert.ok(echo.seen.length === 3 && echo.seen.every((key) => key === `Bearer ${KEY}`));
    assert.ok(hub.headers.some(({ authorization }) => authorization === `Bearer ${TOKEN}`));
    const paths = (readdirSync(written, { recursive: true }) as string[])
      .map((name) => join(written, name)).filter((path) => statSync(path).isFile());
    const kinds = ["index.html", "results.jsonl", "00 secrets.ipynb", "judge", "runs", "refs"];
    for (const kind of kinds) assert.ok(paths.some((path) => path.includes(kind)), kind);
    const executed = readFileSync(join(written, "out", "00 secrets.ipynb"), "utf8");
    assert.match(executed, /401/);
    assert.match(executed, /gated/);
    for (
      const [path, text] of [...paths.map((path) => [path, readFileSync(path, "latin1")]), [
        "said",
        said,
      ]]
    ) {
      for (const form of forms) assert.ok(!text!.includes(form), `${form} in ${path}`);
      for (const form of forms) assert.ok(!path!.includes(form), `${form} in ${path}`);
    }
  } finally {
    await Promise.all([echo.close(), hub.close()]);
    await rm(folder, { recursive: true, force: true });
  }
});

/** Runs the notebooks of a folder; what it says. */
async function reproduce(notebooks: string, out: string, env: Record<string, string>) {
  const script = join(projectRoot(), "tasks", "reproduce.ts");
  const child = spawn(
    process.execPath,
    ["run", "-A", "--quiet", "--no-check", script, "--notebooks", notebooks, "--out", out],
    { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (text) => (said += text));
  await new Promise((resolve) => child.on("close", resolve));
  return said;
}
