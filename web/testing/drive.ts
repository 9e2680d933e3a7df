/**
 * Lives with the page in a real Chromium, as a reader would: every step, a tuning stopped, gone on
 * with after a reload, a link opened by somebody else, a phone, the dark, and its manners. Takes
 * pictures to look at.
 *
 * Knows the page's words; does not know what a right answer is.
 */
import { join } from "node:path";
import { openBrowser, type Page, predict } from "./browser.ts";
import { manners } from "./manners.ts";

/** What was seen. Times in seconds. */
export interface Drive {
  readonly faults: readonly string[];
  readonly browser: string;
  /** From the address to the first question; to the first answer; of one tuning of all its steps. */
  readonly seconds: { readonly open: number; readonly answer: number; readonly tune: number };
  /** Tokens a second of one greedy answer. */
  readonly tokensPerSecond: number;
  /** sha256 of the weights, by arm. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** How the page is driven. */
export interface DriveOptions {
  /** Path of a Chromium or Chrome. */
  readonly chromium: string;
  /** Folder for pictures. */
  readonly out: string;
  /** Steps of the tuning that is stopped and resumed, and of its link. */
  readonly steps: number;
  /** Whether to look at its manners too. */
  readonly manners: boolean;
}

/**
 * Goes through the page that was built in `folder`.
 *
 * @throws where something that should appear does not.
 */
export async function drivePage(folder: string, options: DriveOptions): Promise<Drive> {
  const browser = await openBrowser(folder, options.chromium);
  const { faults, open, url } = browser;
  const shoot = (page: Page, name: string) =>
    page.screenshot({ path: join(options.out, `page ${name}.png`), fullPage: true });
  const expect = (holds: boolean, what: string) => {
    if (!holds) faults.push(`Expected ${what}.`);
  };

  try {
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    const { page, context } = await open(url);
    const opened = seconds();
    await predict(page);
    await page.waitForSelector(".token");
    const answered = seconds() - opened;
    await page.waitForFunction(`document.querySelectorAll(".token").length > 60`);
    await page.click(".token >> nth=0");
    await shoot(page, "1 ask");
    await page.evaluate(`document.querySelector(".token").id = "old"`);
    const asked = performance.now();
    await page.click("button:text-is('Ask')");
    await page.waitForFunction(
      `!document.getElementById("old") && document.querySelectorAll(".token").length > 60`,
    );
    const tokensPerSecond = 60 / ((performance.now() - asked) / 1000);

    await page.click("nav a >> nth=1");
    await predict(page);
    await page.waitForSelector(".token.eos, .token.uniform, .token.repetition");
    await page.click(".token.eos, .token.uniform, .token.repetition");
    await page.click("text=Judge");
    await page.waitForFunction(`/ wins /.test(document.querySelector(".verdict").textContent)`);
    await shoot(page, "2 rules");

    await page.click("nav a >> nth=2");
    await predict(page);
    await page.fill("input[type=number] >> nth=1", String(options.steps));
    await page.click("button:text-is('Tune')");
    await page.waitForFunction(`/step [2-9]/.test(document.querySelector("form").textContent)`);
    await page.click("button:text-is('Stop')");
    await page.waitForSelector("text=Go on");
    await shoot(page, "3 stopped");
    await page.reload();
    await page.waitForSelector("text=Go on");
    await page.click("text=Go on");
    await page.waitForSelector("text=Side by side");
    await page.waitForSelector(".columns .card");
    await shoot(page, "4 tuned");
    const link = await page.evaluate<string>("location.href");
    const resumed = await weights(page);
    await page.click("summary");
    await page.click("button:text-is('Rank')");
    await page.waitForSelector("details table");
    await page.click("nav a >> nth=3");
    await page.waitForSelector("text=Export");
    await shoot(page, "5 compare");
    await page.reload();
    await page.waitForSelector("text=Export");

    const other = await open(link, { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
    const tuning = performance.now();
    await other.page.click("button:text-is('Tune')");
    await other.page.waitForSelector("text=Side by side");
    const tune = (performance.now() - tuning) / 1000;
    await other.page.waitForSelector(".columns .card");
    await shoot(other.page, "6 phone, dark");
    const again = await weights(other.page);
    expect(again === resumed, `the link to give weights ${resumed}, but found ${again}`);
    const wide = await other.page.evaluate<number>(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    expect(wide <= 0, `a page of 390 px on a phone, but found ${wide} px more`);
    await Promise.all([context.close(), other.context.close()]); // else their memory counts too
    for (const [what, manner] of Object.entries(options.manners ? manners : {})) {
      const told = (error: Error) => faults.push(`Expected that ${what}, but: ${error.message}`);
      await manner(browser, folder).catch(told);
    }
    return {
      faults,
      browser: `Chromium ${browser.version}`,
      seconds: { open: opened, answer: answered, tune },
      tokensPerSecond,
      hashes: { [`response-tuning, ${options.steps} steps`]: resumed },
    };
  } finally {
    await browser.close();
  }
}

/** The first digits of the weights' hash that the page tells. */
function weights(page: Page): Promise<string> {
  return page.evaluate<string>(`document.querySelector(".weights").textContent`);
}
