/**
 * Opens notebooks in a real JupyterLab in a real Chromium, runs them, and looks: at their outputs
 * for errors, at the page for figures that did not come alive, at the wire for requests that leave
 * this machine; and takes pictures for a person to look at.
 *
 * Knows JupyterLab's commands and playwright. It does not know what the notebooks show.
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

export const themes = { light: "JupyterLab Light", dark: "JupyterLab Dark" } as const;
export type Theme = keyof typeof themes;

/** What was seen of one notebook in one kernel. */
export interface Sighting {
  readonly notebook: string;
  readonly kernel: KernelName;
  readonly seconds: number;
  /** What is wrong: outputs of errors, dead figures, requests to elsewhere, errors of the page. */
  readonly faults: readonly string[];
  readonly figures: number;
  /** How many different states progress bars were seen in. */
  readonly moves: number;
  /** Paths of the pictures. */
  readonly pictures: readonly string[];
}

export interface BrowseOptions {
  readonly kernels: readonly KernelName[];
  readonly themes: readonly Theme[];
  /** Folder for pictures. */
  readonly out: string;
  /** Path of a Chromium or Chrome. */
  readonly chromium: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onSighting?: (sighting: Sighting) => void;
}

/**
 * Runs every notebook in every kernel and takes a picture in every theme.
 *
 * @param notebooks name → notebook; copies of them are opened, the files stay as they are.
 * @throws when JupyterLab or the browser cannot be started.
 */
export async function browse(
  root: string,
  notebooks: ReadonlyMap<string, Notebook>,
  options: BrowseOptions,
): Promise<Sighting[]> {
  const desk = join(root, ".cache", "browser");
  await rm(desk, { recursive: true, force: true });
  for (const kernel of options.kernels) {
    await mkdir(join(desk, kernel), { recursive: true });
    for (const [name, notebook] of notebooks) {
      const cells = notebook.cells.map((cell) =>
        cell.cell_type === "code" ? { ...cell, outputs: [], execution_count: null } : cell
      );
      const metadata = { kernelspec: { name: kernel, display_name: kernel } };
      await writeNotebook(join(desk, kernel, `${name}.ipynb`), { ...notebook, cells, metadata });
    }
  }
  for (const kernel of options.kernels) await prepareKernel(kernel, root, console.error);
  const lab = await openLab(root, desk, options.env ?? {});
  try {
    const playwright = await import(PLAYWRIGHT) as { chromium: Browsers };
    const browser = await playwright.chromium.launch({
      executablePath: options.chromium,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    });
    const sightings: Sighting[] = [];
    for (const kernel of options.kernels) {
      for (const name of notebooks.keys()) {
        const sighting = await look(browser, lab.url, kernel, name, options);
        sightings.push(sighting);
        options.onSighting?.(sighting);
      }
    }
    await browser.close();
    return sightings;
  } finally {
    lab.process.kill("SIGTERM");
  }
}

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
  for (let i = 0; i < 600; i++) {
    if (ready()) return;
    if (lab.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Expected JupyterLab to start within 60 s but it said: ${said()}`);
}

async function look(
  browser: Browser,
  url: string,
  kernel: KernelName,
  notebook: string,
  options: BrowseOptions,
): Promise<Sighting> {
  const started = Date.now();
  const faults: string[] = [];
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && hostname !== "127.0.0.1") {
      faults.push(`asked the network: ${request.url().slice(0, 100)}`);
    }
  });
  page.on("pageerror", ({ message }) => {
    // JupyterLab says this of every kernel that has no debugger.
    if (!message.includes("No active debugger session")) {
      faults.push(`error in the page: ${message}`);
    }
  });
  await page.goto(url, { waitUntil: "load", timeout: 60_000 });
  await page.waitForFunction("window.jupyterapp?.restored", undefined, { timeout: 60_000 });
  await page.evaluate(openScript(`${kernel}/${notebook}.ipynb`));

  // The run goes on in the page; meanwhile the bars are watched.
  await page.evaluate(
    "void (window.ran = false, jupyterapp.commands" +
      ".execute('notebook:run-all-cells').finally(() => window.ran = true))",
  );
  const moves = new Set<string>();
  const pictures: string[] = [];
  const shoot = async (label: string) => {
    const path = join(options.out, `${notebook} ${kernel} ${label}.png`);
    await page.screenshot({ path });
    pictures.push(path);
  };
  while (!(await page.evaluate("window.ran"))) {
    const text = await page.evaluate(barScript) as string;
    if (text !== "") {
      if (moves.size === 3) {
        await page.evaluate(`${barNodes}[0]?.scrollIntoView({ block: "center" })`);
        await shoot("running");
      }
      moves.add(text);
    }
    await page.waitForTimeout(200);
  }
  await page.waitForTimeout(2000);

  const seen = await page.evaluate(outputScript) as { errors: string[]; height: number };
  faults.push(...seen.errors);
  await page.setViewportSize({ width: 1280, height: Math.min(16_000, seen.height + 200) });
  await page.waitForTimeout(1500);
  const figures = await page.evaluate(figureScript) as { all: number; alive: number };
  if (figures.alive < figures.all) {
    faults.push(`${figures.all - figures.alive} of ${figures.all} figures did not come alive`);
  }
  for (const theme of options.themes) {
    await page.evaluate(
      `jupyterapp.commands.execute("apputils:change-theme", { theme: "${themes[theme]}" })`,
    );
    // JupyterLab draws cells anew after a change of theme or size, and may end at the last one.
    await page.evaluate(`panel.node.querySelector(".jp-WindowedPanel-outer")?.scrollTo(0, 0)`);
    await page.waitForTimeout(1500);
    await shoot(theme);
  }
  await page.evaluate(`panel.context.save().then(() => panel.sessionContext.shutdown())`);
  await page.close();
  const seconds = (Date.now() - started) / 1000;
  return { notebook, kernel, seconds, faults, figures: figures.all, moves: moves.size, pictures };
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

const barNodes = `[...document.querySelectorAll(".jp-OutputArea-output")]
  .filter((node) => /\\d+ % · /.test(node.innerText))`;

const barScript = `${barNodes}.map((node) => node.innerText).join("|")`;

const outputScript = `(() => {
  const errors = [];
  const cells = panel.content.model.cells;
  for (let i = 0; i < cells.length; i++) {
    for (const output of cells.get(i).toJSON().outputs ?? []) {
      const text = [output.text ?? ""].flat().join("");
      if (output.output_type === "error") errors.push("cell " + (i + 1) + ": " + output.evalue);
      if (output.name === "stderr") errors.push("cell " + (i + 1) + " wrote: " + text.slice(0, 300));
    }
  }
  const heights = [...panel.node.querySelectorAll(".jp-Cell")].map((cell) => cell.offsetHeight + 12);
  return { errors, height: heights.reduce((sum, height) => sum + height, 0) };
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

interface Browser {
  newPage(options: Record<string, unknown>): Promise<Page>;
  close(): Promise<void>;
}

interface Page {
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
