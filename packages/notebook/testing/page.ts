/**
 * Notebooks in a real JupyterLab in a real Chromium, for those who look at them and live with them.
 *
 * Knows JupyterLab's commands and playwright. It does not know what is looked for.
 */
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { startLab } from "../kernel/jupyter.ts";
import { type KernelName, prepareKernel } from "../kernel/kernels.ts";
import { type Notebook, writeNotebook } from "../kernel/notebook.ts";
import { freePorts } from "../kernel/ports.ts";

/** Fetched when a browser is asked for, and no part of the lock file: see the README. */
const PLAYWRIGHT = "npm:playwright-core@1.61.1";

/** How a desk is made. */
export interface DeskOptions {
  readonly kernels: readonly KernelName[];
  /** Path of a Chromium or Chrome. */
  readonly chromium: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Opens JupyterLab and a browser on copies of notebooks, `KERNEL/NAME.ipynb` each; their files stay
 * as they are.
 *
 * @throws when JupyterLab or the browser cannot be started.
 */
export async function openDesk(
  root: string,
  notebooks: ReadonlyMap<string, Notebook>,
  { kernels, chromium, env = {} }: DeskOptions,
) {
  const desk = join(root, ".cache", "browser");
  await rm(desk, { recursive: true, force: true });
  for (const kernel of kernels) {
    await mkdir(join(desk, kernel), { recursive: true });
    for (const [name, notebook] of notebooks) {
      const cells = notebook.cells.map((cell) =>
        cell.cell_type === "code" ? { ...cell, outputs: [], execution_count: null } : cell
      );
      const metadata = { kernelspec: { name: kernel, display_name: kernel } };
      await writeNotebook(join(desk, kernel, `${name}.ipynb`), { ...notebook, cells, metadata });
    }
  }
  for (const kernel of kernels) await prepareKernel(kernel, root, console.error);
  const lab = await openLab(root, desk, env);
  const browser = await openBrowser(chromium);
  const close = async () => {
    await browser.close();
    lab.process.kill("SIGTERM");
  };
  return { browser, url: lab.url, close };
}

/** Starts a browser; `chromium` is the path of its program. */
export async function openBrowser(chromium: string): Promise<Browser> {
  const playwright = await import(PLAYWRIGHT) as { chromium: Browsers };
  return await playwright.chromium.launch({
    executablePath: chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  });
}

/** Shows a notebook in a page, as `panel` for scripts, and waits for its kernel. */
export async function openNotebook(page: Page, url: string, path: string): Promise<void> {
  await page.goto(url, { waitUntil: "load", timeout: START_MS });
  await page.waitForFunction("window.jupyterapp?.restored", undefined, { timeout: START_MS });
  await page.evaluate(openScript(path));
}

/** How many figures a page shows, and how many of them are alive. */
export async function countFigures(page: Page): Promise<{ all: number; alive: number }> {
  return await page.evaluate(figureScript) as { all: number; alive: number };
}

/** What JupyterLab and a page may take to start on a busy machine. */
const START_MS = 600_000;

/** A JupyterLab that shows its commands to scripts and keeps all cells in the page. */
async function openLab(root: string, desk: string, env: Readonly<Record<string, string>>) {
  const settings = join(root, ".cache", "browser-settings");
  await mkdir(join(settings, "@jupyterlab", "notebook-extension"), { recursive: true });
  await mkdir(join(settings, "@jupyterlab", "apputils-extension"), { recursive: true });
  await writeFile(
    join(settings, "@jupyterlab", "notebook-extension", "tracker.jupyterlab-settings"),
    JSON.stringify({ windowingMode: "none" }),
  );
  await writeFile(
    join(settings, "@jupyterlab", "apputils-extension", "notification.jupyterlab-settings"),
    JSON.stringify({ fetchNews: "false", checkForUpdates: false }),
  );
  Object.assign(process.env, env, {
    JUPYTERLAB_SETTINGS_DIR: settings,
    JUPYTERLAB_WORKSPACES_DIR: join(root, ".cache", "browser-workspaces"),
  });
  const [port] = await freePorts(1);
  const token = randomUUID();
  const lab = await startLab(root, {
    folder: desk,
    port: port!,
    stdio: "pipe",
    args: [
      "--no-browser",
      "--allow-root",
      `--IdentityProvider.token=${token}`,
      "--LabApp.expose_app_in_browser=True",
    ],
  });
  process.once("exit", () => lab.kill("SIGTERM"));
  let said = "";
  lab.stderr?.on("data", (chunk) => said = (said + chunk).slice(-2000));
  await until(() => said.includes("is running at"), lab, () => said);
  return { process: lab, url: `http://127.0.0.1:${port}/lab?reset&token=${token}` };
}

async function until(ready: () => boolean, lab: ChildProcess, said: () => string): Promise<void> {
  for (let i = 0; i < START_MS / 100; i++) {
    if (ready()) return;
    if (lab.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(
    `Expected JupyterLab to start within ${START_MS / 1000} s but it said: ${said()}`,
  );
}

const openScript = (path: string) =>
  `(async () => {
    const { commands, shell } = jupyterapp;
    const panel = await commands.execute("docmanager:open", { path: ${JSON.stringify(path)} });
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    shell.collapseLeft();
    window.panel = panel;
  })()`;

const figureScript = `({
  all: document.querySelectorAll(".implicit-figure").length,
  alive: document.querySelectorAll(".implicit-figure .js-plotly-plot .main-svg").length > 0
    ? [...document.querySelectorAll(".implicit-figure")]
      .filter((figure) => figure.querySelector(".js-plotly-plot .main-svg")).length
    : 0,
})`;

/** The part of playwright that is used here. */
interface Browsers {
  launch(options: Record<string, unknown>): Promise<Browser>;
}

export interface Browser {
  newPage(options: Record<string, unknown>): Promise<Page>;
  close(): Promise<void>;
}

export interface Page {
  on(event: "request", listener: (request: { url(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
  goto(url: string, options: Record<string, unknown>): Promise<unknown>;
  evaluate(script: string): Promise<unknown>;
  waitForFunction(script: string, arg: undefined, options: { timeout: number }): Promise<unknown>;
  waitForTimeout(ms: number): Promise<void>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  screenshot(options: { path: string }): Promise<unknown>;
  close(): Promise<void>;
}
