/**
 * A static page within a notebook's output: the kernel serves its folder to this machine alone, and the
 * output holds a frame. For pages that compute, which an output as text would not hold.
 *
 * Knows folders and servers; not what the page is about.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve, sep } from "node:path";
import { display, escapeHtml } from "./display.ts";

/** What a frame shows, and how. */
export interface PageOptions {
  /** What a screen reader calls it, and a terminal. */
  readonly title: string;
  /** The place within the page, as `#rules`. */
  readonly place?: string;
  /** In pixels, default 900. */
  readonly height?: number;
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  json: "application/json",
  wasm: "application/wasm",
};

/**
 * Serves the files of a folder, and nothing else, to this machine; a process may end in spite of it.
 *
 * @returns the address, which ends with a slash, and what ends it
 * @example const { url, close } = await serveFolder("report/lab");
 */
export async function serveFolder(folder: string): Promise<{ url: string; close(): void }> {
  const root = resolve(folder);
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const name = pathname === "/" ? "index.html" : decoded(pathname.slice(1));
    const path = join(root, name);
    const content = path.startsWith(root + sep) ? await readFile(path).catch(() => null) : null;
    const type = types[name.split(".").at(-1)!] ?? "application/octet-stream";
    response.writeHead(content ? 200 : 404, { "content-type": type }).end(content ?? "");
  });
  server.unref();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // which is no file's
  }
}

/** Folders that are served, until the kernel ends. */
const served = new Map<string, Promise<{ url: string }>>();

/**
 * Shows the page in a folder (its index.html) in a frame, where a notebook's HTML is trusted and as long
 * as its kernel runs; on a terminal, where the page lies.
 *
 * @example await showPage("report/lab", { title: "The laboratory", place: "#rules" });
 */
export async function showPage(
  folder: string,
  { title, place = "", height = 900 }: PageOptions,
): Promise<void> {
  const root = resolve(folder);
  const opened = served.get(root) ?? serveFolder(root);
  served.set(root, opened);
  const { url } = await opened;
  await display({
    "text/plain": `${title}: ${join(root, "index.html")}${place}`,
    "text/html": `<iframe src="${escapeHtml(url + place)}" title="${escapeHtml(title)}" ` +
      `style="width:100%;height:${height}px;border:0"></iframe>`,
  });
}
