// @ts-check
/**
 * The peer that llama.cpp is: `node llama_peer.mjs FOLDER MODEL.gguf THREADS`; FOLDER is where
 * node-llama-cpp is installed. Speaks peer.py's protocol; one unit is 32 greedy tokens after 16. The
 * first line has the tokens too, so that they can be compared.
 *
 * Node runs it, and with UV_THREADPOOL_SIZE=1: else its tokens are computed on changing threads of
 * Node's pool, and llama.cpp looks slower than it is.
 */
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder = "", path = "", threads = ""] = process.argv.slice(2);
const say = (/** @type {unknown} */ what) => console.log(JSON.stringify(what));

const found = createRequire(join(folder, "package.json")).resolve("node-llama-cpp");
const { getLlama } = await import(pathToFileURL(found).href);
const llama = await getLlama({
  gpu: false,
  build: "never",
  logLevel: "error",
  maxThreads: +threads,
});
const model = await llama.loadModel({ modelPath: path });
const context = await model.createContext({ contextSize: 64, threads: +threads });
const sequence = context.getSequence();
const last = model.fileInfo.metadata.llama.vocab_size - 3;
const prompt = Array.from({ length: 16 }, (_, i) => 3 + (i * 7919 + (i >> 3) * 31) % last);

async function answer() {
  await sequence.clearHistory();
  const tokens = [];
  for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    if (tokens.push(token) === 32) break;
  }
  return tokens;
}

const { version } = createRequire(found)("../package.json");
const name = `llama.cpp ${llama.llamaCppRelease.release} of node-llama-cpp ${version}, ` +
  `UV_THREADPOOL_SIZE=${process.env.UV_THREADPOOL_SIZE}`;
say({ name, bytes: statSync(path).size, tokens: await answer() });
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "quit") break;
  const start = performance.now();
  const { length } = await answer();
  say({ amount: length, seconds: (performance.now() - start) / 1000 });
}
say({ rss: process.resourceUsage().maxRSS * 1024 });
process.exit();
