/**
 * A real browser, as tests of the page want it: opened with what a reader would see, and with an eye on
 * requests to elsewhere. Knows playwright and servers; does not know what stands in the page.
 */
import { readFile } from "node:fs/promises";
import { serveFolder } from "@implicit/notebook";

/** Fetched when a browser is asked for, and no part of the lock file. */
const PLAYWRIGHT = "npm:playwright-core@1.61.1";

/** What a busy machine may take for one tuning. */
const PATIENCE_MS = 900_000;

/** The part of playwright that is used here. */
export interface Frame {
  click(selector: string): Promise<void>;
  textContent(selector: string): Promise<string>;
  waitForSelector(selector: string): Promise<unknown>;
}
export interface Page extends Frame {
  on(event: "request", listener: (request: { url(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  fill(selector: string, value: string): Promise<void>;
  selectOption(selector: string, value: string): Promise<unknown>;
  evaluate<T>(script: string): Promise<T>;
  waitForFunction(script: string): Promise<unknown>;
  setDefaultTimeout(ms: number): void;
  screenshot(options: { path: string; fullPage?: boolean }): Promise<unknown>;
  frames(): Frame[];
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
}
interface Protocol {
  send<T>(method: string, parameters?: Record<string, unknown>): Promise<T>;
}
interface Context {
  newPage(): Promise<Page>;
  newCDPSession(page: Page): Promise<Protocol>;
  close(): Promise<void>;
}
interface Chromium {
  newContext(options: Record<string, unknown>): Promise<Context>;
  newBrowserCDPSession(): Promise<Protocol>;
  version(): string;
  close(): Promise<void>;
}

/** A browser, and the page on a server of this machine. */
export interface Browser {
  readonly version: string;
  /** The page's address. */
  readonly url: string;
  /** Errors of the pages that were opened, and what they asked of elsewhere. */
  readonly faults: string[];
  /** Opens an address as a reader who was never there, and waits for the first question. */
  open(address: string, look?: Record<string, unknown>): Promise<{ page: Page; context: Context }>;
  /** Megabytes of all pages, with their workers; null where the machine does not tell. */
  memory(): Promise<number | null>;
  close(): Promise<void>;
}

/** Starts the Chromium at `executablePath` for the page that was built in `folder`. */
export async function openBrowser(folder: string, executablePath: string): Promise<Browser> {
  const { chromium } = await import(PLAYWRIGHT) as {
    chromium: { launch(options: Record<string, unknown>): Promise<Chromium> };
  };
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  const browser = await chromium.launch({ executablePath, args });
  const server = await serveFolder(folder);
  const faults: string[] = [];
  return {
    version: browser.version(),
    url: server.url,
    faults,
    async open(address, look = {}) {
      const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...look });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      page.on("pageerror", ({ message }) => faults.push(`the page's error: ${message}`));
      page.on("request", (request) => {
        if (!/^(http:\/\/127\.0\.0\.1|blob:|data:|file:|about:)/.test(request.url())) {
          faults.push(`asked the network: ${request.url().slice(0, 100)}`);
        }
      });
      await page.goto(address);
      await page.waitForSelector("h2");
      return { page, context };
    },
    async memory() {
      const protocol = await browser.newBrowserCDPSession();
      const { processInfo } = await protocol.send<{
        processInfo: { type: string; id: number }[];
      }>("SystemInfo.getProcessInfo");
      const sizes = await Promise.all(
        processInfo.filter(({ type }) => type === "renderer").map(async ({ id }) => {
          const text = await readFile(`/proc/${id}/smaps_rollup`, "utf8").catch(() => "");
          return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? NaN) * 1024 / 1e6;
        }),
      );
      const sum = sizes.reduce((a, b) => a + b, 0);
      return Number.isNaN(sum) ? null : sum;
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** Answers the step's question, as the experiment wants first. */
export async function predict(page: Frame): Promise<void> {
  await page.waitForSelector("input[type=radio]");
  await page.click("input[type=radio] >> nth=1");
  await page.click("text=Now look");
}
