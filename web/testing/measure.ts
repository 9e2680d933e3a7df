/**
 * What the page takes, for the README: sizes, seconds, tokens a second in a real browser, beside one
 * native thread; and the weights that its tunings end with, the same for every reader.
 */
import { availableParallelism, cpus, loadavg } from "node:os";
import { createEngine } from "@implicit/engine";
import { arms, miniature, tuneArm } from "implicit/web";
import type { PageFigures, Weight } from "../build/mod.ts";
import { drivePage } from "./drive.ts";
import { openPage } from "./open.ts";

/** The arms whose weights are kept. */
const kept = [
  arms.responseTuning,
  arms.instructionTuning,
  arms.shuffledPairs,
  arms.singleTask("poems"),
];

/**
 * Measures the page built in `folder`; nothing else should run meanwhile.
 *
 * @param options where pictures go, and a Chromium
 * @throws where the page has a fault in the browser.
 */
export async function measurePage(
  folder: string,
  weights: readonly Weight[],
  options: { chromium: string; out: string },
): Promise<PageFigures> {
  const [load] = loadavg();
  const scale = await miniature();
  const steps = scale.tuning.steps!;
  const { faults, browser, seconds, tokensPerSecond } = await drivePage(folder, {
    ...options,
    steps,
    manners: false,
  });
  if (faults.length > 0) throw new Error(faults.join("\n"));
  const base = await scale.loadBase("base-1");
  const engine = await createEngine({ threads: 1 });
  const started = performance.now();
  await tuneArm(scale, base, arms.responseTuning, 1, { engine });
  const native = (performance.now() - started) / 1000;

  const { client, opened, worker } = await openPage(folder);
  const hashes: Record<string, string> = {};
  for (const { name } of kept) {
    hashes[name] = (await client.call("tune", { ...opened.defaults, arm: name })).hash;
  }
  worker.terminate();
  const single = weights.at(-1)!;
  const gzip = weights.slice(0, -1).reduce((sum, weight) => sum + weight.gzip, 0);
  return {
    date: new Date().toISOString().slice(0, 10),
    browser,
    engine: `onnxruntime-web ${opened.engine}`,
    machine: `${availableParallelism()} cores of ${cpus()[0]?.model.trim() ?? "an unknown kind"}`,
    load: load!,
    steps,
    seconds: { ...seconds, native },
    tokensPerSecond,
    bytes: { gzip, single: single.bytes },
    hashes,
  };
}
