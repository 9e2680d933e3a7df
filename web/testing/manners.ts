/**
 * Whether the page has good manners in a real browser: from disk and in a sandboxed frame, by keyboard
 * alone, with bad input, on a full disk, after ten tunings. Each is a line of its own.
 *
 * Knows the page's words; does not know what a right answer is.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, type Page, predict } from "./browser.ts";

/** What a tab may take after ten tunings, in MB. */
const MOST_MEMORY = 500;
/** Seconds that the browser has to collect what is no longer used. */
const SETTLING_S = 30;

/** Looks at one thing in the page that was built in `folder`; throws where it is not so. */
type Manner = (browser: Browser, folder: string) => Promise<void>;

const SINGLE = "lab.html";

/** Every manner by what a reader would say of it. */
export const manners: Readonly<Record<string, Manner>> = {
  async "the one file answers from disk"({ open }, folder) {
    const { page, context } = await open(pathToFileURL(join(folder, SINGLE)).href);
    await predict(page);
    await page.waitForSelector(".token");
    await context.close();
  },

  async "the one file goes from step to step in a sandboxed frame, as text"({ open, url }, folder) {
    const { page, context } = await open(url);
    const text = JSON.stringify(await readFile(join(folder, SINGLE), "utf8"));
    await page.evaluate(`document.body.innerHTML =
      '<iframe sandbox="allow-scripts" style="width:900px;height:800px"></iframe>';
      document.querySelector("iframe").srcdoc = ${text}; undefined`);
    await page.waitForSelector("iframe");
    const frame = page.frames()[1]!;
    await frame.waitForSelector("h2");
    await frame.click("nav a >> nth=1");
    await frame.waitForSelector("h2:text-is('Are three rules enough?')");
    await predict(frame);
    await frame.waitForSelector(".token");
    await context.close();
  },

  async "the keyboard alone reaches everything"({ open, url }) {
    const { page, context } = await open(url);
    const look = async () => {
      await tabTo(page, "input[type=radio]");
      await page.keyboard.press("Space");
      await page.keyboard.press("Enter");
      await page.waitForSelector("form button.main:not(:text-is('Now look'))");
    };
    const next = async (title: string) => {
      await tabTo(page, "main > p > a");
      await page.keyboard.press("Enter");
      await page.waitForSelector(`h2:text-is('${title}')`);
    };
    await look();
    await page.waitForFunction(`document.querySelectorAll(".token").length > 5`);
    await tabTo(page, ".token");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".token[aria-pressed=true]:nth-child(2)");
    await page.waitForSelector("table");
    await next("Are three rules enough?");
    await look();
    await tabTo(page, "input[type=range]");
    const before = await page.textContent("output");
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(`document.querySelector("output").textContent !== "${before}"`);
    await next("Does it take instructions to learn to follow them?");
    await look();
    await tabTo(page, "input[type=number][max='1000']");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("2");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=Side by side");
    await next("What does it take to follow instructions?");
    await tabTo(page, "td button");
    await context.close();
  },

  async "what cannot be done is said, and nothing is lost"({ open, url }) {
    const { page, context } = await open(url);
    await predict(page);
    await page.fill("form input", "a ".repeat(500));
    await page.click("button:text-is('Ask')");
    await said(page, "Expected an instruction that leaves room");
    await page.fill("form input", "Name a fruit.");
    await page.click("button:text-is('Ask')");
    await page.waitForSelector(".token");
    await page.click("nav a >> nth=2");
    await predict(page);
    await page.selectOption("select", "own");
    await page.fill("textarea", "no JSON");
    await page.click("button:text-is('Tune')");
    await said(page, "in line 1");
    await context.close();
  },

  async "a full disk is told, and the tuning goes on"({ open, url }) {
    const { page, context } = await open(`${url}#tune?steps=2`);
    const protocol = await context.newCDPSession(page);
    const { origin } = new URL(url);
    await protocol.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1_000_000 });
    await page.evaluate(`{
      const status = document.getElementById("status");
      globalThis.said = "";
      new MutationObserver(() => said += status.textContent).observe(status, { childList: true });
    }`);
    await page.click("button:text-is('Tune')");
    await page.waitForSelector("text=Side by side");
    await page.waitForFunction(`said.includes("Nothing can be kept here")`);
    await context.close();
  },

  async [`ten tunings take less than ${MOST_MEMORY} MB`]({ open, url, memory }) {
    const { page, context } = await open(`${url}#tune?steps=1`);
    for (let steps = 1; steps <= 10; steps++) {
      await page.fill("input[type=number] >> nth=1", String(steps));
      await page.click("button:text-is('Tune')");
      await page.waitForFunction(`/[?&]steps=${steps}&/.test(location.hash)`);
      await page.waitForSelector("button:text-is('Tune'):enabled");
    }
    await page.waitForSelector(".columns .card >> nth=3");
    // What a tuning leaves behind the browser collects when it finds the time.
    let found = await memory();
    for (let waited = 0; waited < SETTLING_S && (found ?? 0) >= MOST_MEMORY; waited++) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      found = await memory();
    }
    await context.close();
    if (found !== null && found >= MOST_MEMORY) throw new Error(`found ${found.toFixed(0)} MB`);
  },
};

/** Presses Tab until the focus is on what `selector` names. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press("Tab");
    const is = `document.activeElement.matches(${JSON.stringify(selector)})`;
    if (await page.evaluate<boolean>(is)) return;
  }
  throw new Error(`Expected to reach ${selector} by Tab, but never did.`);
}

/** Waits until the page has said a sentence with `words`. */
async function said(page: Page, words: string): Promise<void> {
  await page.waitForFunction(
    `document.getElementById("status").textContent.includes(${JSON.stringify(words)})`,
  );
}
