/**
 * Lives with kernels in a real JupyterLab as a reader does: stops a cell, runs cells again, reloads
 * the page, runs them once more; and ends JupyterLab from the terminal with Ctrl-C.
 *
 * Knows what must be left afterwards. It does not know the project's notebooks.
 */
import { spawn, spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { KernelName } from "../kernel/kernels.ts";
import { freePorts } from "../kernel/ports.ts";
import { countFigures, type DeskOptions, openDesk, openNotebook, type Page } from "./page.ts";
import { notebookOf } from "./sample.ts";

/** What was tried, and what was wrong with it. */
export interface Life {
  readonly what: string;
  readonly faults: readonly string[];
}

const notebook = notebookOf(
  `import { intervalBars, showFigure } from "implicit"; const kept = 41;`,
  `await showFigure(intervalBars("One", [{ label: "a", value: 1 }]));`,
  `console.log("waiting"); await new Promise((resolve) => setTimeout(resolve, 3600_000));`,
  `console.log(kept + 1);`,
  `await showFigure(intervalBars("Two", [{ label: "b", value: 2 }]));`,
);

/** Longest that a step may take on a busy machine. */
const STEP_MS = 600_000;

/** Stops, runs again, reloads and runs again in every kernel, and tells of each as it is done. */
export async function* live(root: string, options: DeskOptions): AsyncGenerator<Life> {
  const desk = await openDesk(root, new Map([["life", notebook]]), options);
  try {
    for (const kernel of options.kernels) {
      const page = await desk.browser.newPage({ viewport: { width: 1280, height: 1400 } });
      const open = () => openNotebook(page, desk.url, `${kernel}/life.ipynb`);
      await open();
      yield await interrupted(page, kernel);
      await run(page, 0, 1, 4);
      yield await figures(page, `figures run once in ${kernel}`);
      await run(page, 1);
      await page.evaluate("panel.context.save()");
      await open();
      yield await figures(page, `figures after a re-run and a reload in ${kernel}`);
      await run(page, 0, 1, 4);
      await page.evaluate("panel.context.save()");
      yield await figures(page, `figures after a second run of all in ${kernel}`);
      await open();
      yield await figures(page, `figures after another reload in ${kernel}`);
      await page.evaluate("panel.sessionContext.shutdown()");
      await page.close();
    }
  } finally {
    await desk.close();
  }
}

/** Runs all cells, stops the one that waits, and looks for the variables. */
async function interrupted(page: Page, kernel: KernelName): Promise<Life> {
  const faults: string[] = [];
  const id = await page.evaluate("panel.sessionContext.session.kernel.id");
  await page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')");
  const options = { timeout: STEP_MS };
  await page.waitForFunction(`${output(2)}.includes("waiting")`, undefined, options);
  await page.evaluate("jupyterapp.commands.execute('notebook:interrupt-kernel')");
  await page.waitForFunction(`${output(2)}.includes("Interrupted")`, undefined, options);
  if (await page.evaluate(`${output(3)} !== "[]"`)) faults.push("the cells after it were run");
  await run(page, 3);
  const said = await page.evaluate(output(3)) as string;
  if (!said.includes("42")) faults.push(`the variables are gone: ${said}`);
  const now = await page.evaluate("panel.sessionContext.session.kernel.id");
  if (now !== id) faults.push("the kernel is another one");
  return { what: `interrupt in ${kernel}`, faults };
}

async function figures(page: Page, what: string): Promise<Life> {
  for (let ms = 0; ms < STEP_MS / 10; ms += 500) {
    const { all, alive } = await countFigures(page);
    if (all === 2 && alive === 2) return { what, faults: [] };
    await sleep(500);
  }
  const { all, alive } = await countFigures(page);
  return { what, faults: [`${alive} of ${all} figures are alive, of 2 there should be`] };
}

/** Runs cells by their places, one after the other. */
async function run(page: Page, ...places: number[]): Promise<void> {
  for (const place of places) {
    await page.evaluate(
      `panel.content.deselectAll(), panel.content.activeCellIndex = ${place}, ` +
        "jupyterapp.commands.execute('notebook:run-cell')",
    );
  }
}

const output = (place: number) =>
  `JSON.stringify(panel.content.model.cells.get(${place}).toJSON().outputs)`;

/** Ends `deno task lab` as a reader at a terminal does, with a kernel of each kind running. */
export async function ctrlC(root: string, kernels: readonly KernelName[]): Promise<Life> {
  const [port] = await freePorts(1);
  const lab = [Deno.execPath(), "task", "lab", "--no-browser", "--port", String(port)];
  const terminal = "import pty, sys; pty.spawn(sys.argv[1:])"; // what is written to it is typed
  const child = spawn("python3", ["-c", terminal, ...lab], { cwd: root });
  let said = "", ended = false;
  child.stdout.on("data", (chunk) => said += chunk);
  child.on("exit", () => ended = true);
  const until = async (ready: () => boolean | Promise<boolean>, what: string) => {
    for (let ms = 0; ms < STEP_MS; ms += 200) {
      if (await ready()) return;
      await sleep(200);
    }
    throw new Error(`Expected ${what} but found: ${said.slice(-1000)}`);
  };
  try {
    await until(() => /token=[0-9a-f]+/.test(said), "JupyterLab's address");
    const [, token] = /token=([0-9a-f]+)/.exec(said)!;
    const ask = async (path: string, body?: unknown) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/kernels${path}`, {
        method: body ? "POST" : "GET",
        headers: { authorization: `token ${token}` },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return await answer.json() as { id: string };
    };
    const ids: string[] = [];
    for (const name of kernels) ids.push((await ask("", { name })).id);
    const alive = () => ids.filter((id) => spawnSync("pgrep", ["-f", id]).status === 0);
    await until(() => alive().length === ids.length, "running kernels");
    child.stdin.write("\x03");
    await until(() => /Shut down this Jupyter server/i.test(said), "to be asked");
    child.stdin.write("\x03");
    await until(() => ended, "JupyterLab to end");
    await until(() => alive().length === 0, "no kernel left behind");
    return { what: "Ctrl-C", faults: [] };
  } catch (error) {
    return { what: "Ctrl-C", faults: [(error as Error).message] };
  } finally {
    child.kill();
  }
}
