/** The page in a browser tab (web/), within a notebook. Knows where it is built and its steps' names. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { showPage } from "@implicit/notebook";
import { projectRoot } from "../study/settings.ts";

/**
 * Shows a step of the page in a cell's output, where the notebook's HTML is trusted: `rules` has a slider
 * for each rule's weight, and the answer changes while one drags.
 *
 * @throws where `deno task page` has not built the page.
 * @example await showLaboratory("rules");
 */
export async function showLaboratory(
  step: "ask" | "rules" | "tune" | "compare" = "ask",
  folder = join(projectRoot(), "report", "lab"),
): Promise<void> {
  if (!existsSync(join(folder, "index.html"))) {
    throw new Error(
      `Expected the page in ${folder}, but found none: build it by "deno task page".`,
    );
  }
  await showPage(folder, { title: "The laboratory", place: `#${step}` });
}
