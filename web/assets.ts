/**
 * The page's files: beside it on a server, or packed into it as one HTML file. Knows names and bytes;
 * the build (build/) knows which there are.
 */

/** Where the page finds its files. */
export interface Files {
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  /** Address of the worker's script. */
  readonly worker: string;
}

/** The worker's script, and the list of all other files; the build writes these names. */
const WORKER = "worker.js", LIST = "files.json";

/** Packed files stand in the page as base64 of gzip, in elements of this kind. */
const PACKED = "application/gzip";

/**
 * Reads all files.
 *
 * @param told how much is there, 0…1
 * @throws names the file that does not come.
 */
export async function readFiles(told: (share: number) => void): Promise<Files> {
  const packed = document.querySelectorAll<HTMLScriptElement>(`script[type="${PACKED}"]`);
  if (packed.length > 0) return await unpack([...packed]);
  const { names } = JSON.parse(new TextDecoder().decode(await fetched(LIST))) as {
    names: readonly string[];
  };
  let done = 0;
  const files = await Promise.all(names.map(async (name) => {
    const bytes = await fetched(name);
    told(++done / names.length);
    return [name, bytes] as const;
  }));
  return { files: Object.fromEntries(files), worker: WORKER };
}

async function fetched(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(name).catch((error: Error) => error);
  if (response instanceof Error || !response.ok) {
    const found = response instanceof Error ? response.message : `status ${response.status}`;
    throw new Error(
      `Expected the file ${name} beside this page, but found ${found}. Serve the whole folder, or ` +
        "open lab.html, which holds everything.",
    );
  }
  return new Uint8Array(await response.arrayBuffer());
}

async function unpack(elements: readonly HTMLScriptElement[]): Promise<Files> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const element of elements) {
    const bytes = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    files[element.dataset.name!] = new Uint8Array(await new Response(stream).arrayBuffer());
    element.remove();
  }
  const { [WORKER]: worker, ...rest } = files;
  const script = new Blob([worker!], { type: "text/javascript" });
  return { files: rest, worker: URL.createObjectURL(script) };
}
