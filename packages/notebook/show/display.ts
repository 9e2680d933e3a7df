/**
 * Puts something in front of the reader, wherever the program runs: in a Deno kernel, in tslab, or
 * on a terminal.
 *
 * Knows each kernel's way to send one display of several MIME types. It does not know what is shown.
 */
import { createRequire } from "node:module";
import process from "node:process";

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

type Send = (type: "display_data" | "update_display_data", content: Content) => unknown;

interface Content {
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly transient: { readonly display_id?: string };
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
  const send = denoKernel() ?? tslabKernel();
  if (!send) {
    if (!update) process.stdout.write(bundle["text/plain"] + "\n");
    return;
  }
  const content = { data: bundle, metadata, transient: id === undefined ? {} : { display_id: id } };
  await send(update ? "update_display_data" : "display_data", content);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

/** Shows a piece of HTML; `text` is what a terminal prints in its place. */
export async function showHtml(html: string, text = textOf(html)): Promise<void> {
  await display({ "text/plain": text, "text/html": html });
}

/** Whether a notebook kernel is running this program. */
export function inNotebook(): boolean {
  return (denoKernel() ?? tslabKernel()) !== null;
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

function denoKernel(): Send | null {
  const deno = (globalThis as { Deno?: unknown }).Deno as
    | { jupyter?: { broadcast: Send } }
    | undefined;
  try {
    const jupyter = deno?.jupyter;
    return jupyter ? (type, content) => jupyter.broadcast(type, content) : null;
  } catch {
    return null; // outside a kernel `Deno.jupyter` may be a getter that throws
  }
}

/**
 * tslab's public display sends one MIME type at a time; the writer behind it takes a whole bundle.
 * It is the module tslab itself has loaded, found among Node's loaded modules.
 */
function tslabKernel(): Send | null {
  if (!("__tslab__" in globalThis)) return null;
  const { cache } = createRequire(import.meta.url);
  const path = Object.keys(cache).find((file) => /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(file));
  type Writer = (content: Content, update: boolean) => void;
  const loaded = path === undefined
    ? undefined
    : cache[path]?.exports as { lastWriteDisplayData?: Writer } | undefined;
  if (!loaded?.lastWriteDisplayData) {
    throw new Error(
      "Expected tslab 1.0.22's display writer but found none: run `deno task tslab`.",
    );
  }
  const write = loaded.lastWriteDisplayData;
  return (type, content) => write(content, type === "update_display_data");
}

function textOf(html: string): string {
  const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return html.replace(/<(style|script)[\s\S]*?<\/\1>/g, "").replace(/<[^>]+>/g, " ")
    .replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => entities[name]!).replace(/[ \t]+/g, " ")
    .trim();
}
