/**
 * Puts something in front of the reader, wherever the program runs: in a Deno kernel, in tslab, or
 * on a terminal.
 * Knows MIME bundles and terminals; not what is shown, nor how a kernel is reached (runtime.ts).
 */
import { randomUUID } from "node:crypto";
import process from "node:process";
import { type DisplayContent, kernelSender } from "./runtime.ts";
import { escapePlotly } from "./style.ts";
import { plainText } from "./terminal.ts";

/** MIME type → content. `text/plain` is what a terminal gets. */
export type MimeBundle = Record<string, unknown> & { readonly "text/plain": string };

/** The Deno kernel may report a cell as done before its last outputs are out: they get this long. */
const SETTLE_MS = 20;

/** Shows a bundle; on a terminal, its `text/plain`. */
export async function display(bundle: MimeBundle): Promise<void> {
  if (inNotebook()) await send({ data: bundle, metadata: {}, transient: {} });
  else process.stdout.write(plainText(bundle["text/plain"]) + "\n");
}

/**
 * Opens one place of a notebook where each bundle replaces the one before it, in the order of the
 * calls however long a bundle takes to make. `metadata` is Jupyter's, of the output.
 */
export function liveDisplay() {
  const transient = { display_id: randomUUID() };
  let update = false;
  let queue = Promise.resolve();
  return (make: () => MimeBundle | Promise<MimeBundle>, metadata = {}): Promise<void> =>
    queue = queue.then(async () => {
      await send({ data: await make(), metadata, transient }, update);
      update = true;
    });
}

async function send(content: DisplayContent, update = false): Promise<void> {
  await kernelSender()!(content, update);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

/** Whether a notebook kernel is running this program. */
export function inNotebook(): boolean {
  return kernelSender() !== null;
}

/** Makes text safe to stand inside HTML, between tags or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return escapePlotly(text).replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}
