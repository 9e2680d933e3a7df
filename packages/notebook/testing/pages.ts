/**
 * Opens pages from disk in a real Chromium, as wide as a desk's screen and a phone's, light and dark,
 * and looks: for anything that stands out sideways, formulas that are cut, figures that do not come to
 * life, requests, errors; and takes pictures for a person to look at.
 *
 * Knows playwright and the report's classes. It does not know what the pages say.
 */
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, openBrowser } from "./page.ts";

/** What was seen of one page in one width and one theme. */
export interface PageSight {
  readonly page: string;
  readonly width: number;
  readonly theme: "light" | "dark";
  readonly figures: number;
  readonly faults: readonly string[];
}

/** A desk's screen and a phone's, in pixels. */
const WIDTHS = [1200, 390] as const;

/**
 * Looks at each page in each width and theme.
 *
 * @param paths of HTML files.
 * @param options.out folder for pictures.
 * @example for await (const { faults } of lookAtPages(["report/index.html"], { chromium, out })) …
 */
export async function* lookAtPages(
  paths: readonly string[],
  { chromium, out }: { chromium: string; out: string },
): AsyncGenerator<PageSight> {
  const browser = await openBrowser(chromium);
  try {
    for (const path of paths) {
      for (const width of WIDTHS) {
        for (const theme of ["light", "dark"] as const) {
          yield await look(browser, path, width, theme, out);
        }
      }
    }
  } finally {
    await browser.close();
  }
}

async function look(
  browser: Browser,
  path: string,
  width: number,
  theme: "light" | "dark",
  out: string,
): Promise<PageSight> {
  const faults: string[] = [];
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: theme });
  page.on("request", (request) => {
    const url = request.url();
    if (/^https?:/.test(url)) faults.push(`asked the network: ${url.slice(0, 100)}`);
  });
  page.on("pageerror", ({ message }) => faults.push(`error in the page: ${message}`));
  await page.goto(pathToFileURL(path).href, { waitUntil: "load", timeout: 120_000 });
  await page.evaluate(scrollScript);
  await page.waitForTimeout(500);
  const seen = await page.evaluate(seenScript) as { figures: number; faults: string[] };
  const name = basename(path).replace(/\.html$/, "");
  await page.screenshot({ path: join(out, `${name} ${width} ${theme}.png`) });
  await page.close();
  return { page: name, width, theme, figures: seen.figures, faults: [...faults, ...seen.faults] };
}

/** Goes down the page so that its figures come to life, and back to the top. */
const scrollScript = `(async () => {
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  for (const figure of document.querySelectorAll(".figure")) {
    figure.scrollIntoView({ block: "center" });
    for (let i = 0; i < 200 && !figure.querySelector(".main-svg"); i++) await pause(50);
  }
  scrollTo(0, 0);
})()`;

const seenScript = `(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const figures = [...document.querySelectorAll(".figure")];
  const dead = figures.filter((figure) => !figure.querySelector(".main-svg")).length;
  const cut = [...document.querySelectorAll(".formula")]
    .filter((formula) => formula.scrollWidth > formula.clientWidth + 1)
    .map((formula) => "a formula is cut: " + formula.textContent.slice(0, 60));
  return {
    figures: figures.length,
    faults: [
      ...scrollWidth > clientWidth ? [scrollWidth + " pixels wide instead of " + clientWidth] : [],
      ...dead > 0 ? [dead + " figures did not come to life"] : [],
      ...cut,
    ],
  };
})()`;
