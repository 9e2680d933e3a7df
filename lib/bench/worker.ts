/**
 * The process of our side of a benchmark: `worker.ts NAME THREADS KIND`. Speaks peer.py's protocol: a
 * line about itself; for each line read one unit of work and {"amount", "seconds"}; at "quit" {"rss"},
 * and with kind `profile` {"parts"}.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { createEngine } from "@implicit/engine";
import { type Kind, prepareWork } from "./work.ts";

const [name = "", threads = "", kind = "compiled"] = process.argv.slice(2);
const say = (what: unknown) => console.log(JSON.stringify(what));

const work = await prepareWork(name, { threads: Number(threads), kind: kind as Kind });
const engine = await createEngine({ kind: kind === "eager" ? kind : "compiled" });
const { kind: runs, backend, versions } = engine.describe();
say({
  name: work.name ?? `${runs} (${backend}), ${Object.entries(versions).flat().join(" ")}`,
  bytes: work.bytes,
});
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "quit") break;
  const start = performance.now();
  const amount = await work.unit();
  say({ amount, seconds: (performance.now() - start) / 1000 });
}
const rss = process.resourceUsage().maxRSS * 1024;
say({ rss, parts: await work.parts?.() });
process.exit();
