/**
 * Opens notebooks in a real JupyterLab in a real Chromium, runs them, and looks: at their outputs
 * for errors, at the page for figures that did not come alive, at the wire for requests that leave
 * this machine; and takes pictures for a person to look at.
 *
 * Knows JupyterLab's commands and playwright. It does not know what the notebooks show.
 */
import { join } from "node:path";
import type { KernelName } from "../kernel/kernels.ts";
import type { Notebook } from "../kernel/notebook.ts";
import { type Browser, countFigures, openDesk, openNotebook } from "./page.ts";

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
  const desk = await openDesk(root, notebooks, options);
  try {
    const sightings: Sighting[] = [];
    for (const kernel of options.kernels) {
      for (const name of notebooks.keys()) {
        const sighting = await look(desk.browser, desk.url, kernel, name, options);
        sightings.push(sighting);
        options.onSighting?.(sighting);
      }
    }
    return sightings;
  } finally {
    await desk.close();
  }
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
  await openNotebook(page, url, `${kernel}/${notebook}.ipynb`);

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
  const figures = await countFigures(page);
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
