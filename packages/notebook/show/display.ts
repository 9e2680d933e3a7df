/**
 * Puts something in front of the reader, wherever the program runs: in a Deno kernel, in tslab, or
 * on a terminal.
 *
 * Knows MIME bundles and terminals. It does not know what is shown, nor how a kernel is reached
 * (runtime.ts).
 */
import process from "node:process";
import { kernelSender } from "./runtime.ts";

/** MIME type → content. `text/plain` is what a terminal gets. */
export type MimeBundle = Record<string, unknown> & { readonly "text/plain": string };

export interface DisplayOptions {
  /** Names the display, so that a later call with `update` can replace it. */
  readonly id?: string;
  /** Replaces the display of that id instead of adding one. */
  readonly update?: boolean;
  /** Jupyter's metadata of the output. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** The Deno kernel may report a cell as done before its last outputs are out: they get this long. */
const SETTLE_MS = 20;

/**
 * Shows a bundle. On a terminal its `text/plain` is printed, and updates are left out.
 *
 * @example
 * await display({ "text/plain": "bold", "text/html": "<b>bold</b>" });
 */
export async function display(bundle: MimeBundle, options: DisplayOptions = {}): Promise<void> {
  const { id, update = false, metadata = {} } = options;
  const send = kernelSender();
  if (!send) {
    if (!update) process.stdout.write(bundle["text/plain"] + "\n");
    return;
  }
  const transient = id === undefined ? {} : { display_id: id };
  await send({ data: bundle, metadata, transient }, update);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

/** Whether a notebook kernel is running this program. */
export function inNotebook(): boolean {
  return kernelSender() !== null;
}

/** Makes text safe to stand inside HTML, between tags or in a quoted attribute. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}
