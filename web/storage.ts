/**
 * Keeps files of the tab's memory in IndexedDB, so that a reload finds them again. Where a browser
 * allows none (a sandboxed frame, a private window, a full disk), everything goes on in memory and
 * one sentence says so.
 *
 * It knows paths, and nothing of what lies there.
 */
import { listen, place } from "./node.ts";

const FILES = "files";

/** Resolves with the request's result; whether a change is kept, the end of its transaction says. */
const asked = <T>(request: IDBRequest<T>) =>
  new Promise<T>((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @throws where the disk is full, which only the end of a transaction tells. */
const ended = (transaction: IDBTransaction) =>
  new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });

/**
 * Brings back the files below `folder` that were kept, and keeps what is written there from now on.
 *
 * @param name of the database: what lies in one belongs to one base and one version of the page
 * @param onFailure told once, in a sentence, where nothing can be kept
 */
export async function keep(
  folder: string,
  name: string,
  onFailure: (sentence: string) => void,
): Promise<void> {
  let isKeeping = true;
  const failed = (error: unknown) => {
    if (!isKeeping) return;
    isKeeping = false;
    listen(() => {});
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    onFailure(
      `Nothing can be kept here from now on (${reason}). All goes on, but a reload forgets what ` +
        "this tab has made: export what you want to keep.",
    );
  };
  try {
    const request = indexedDB.open(name);
    request.onupgradeneeded = () => request.result.createObjectStore(FILES);
    const database = await asked(request);
    const reading = database.transaction(FILES).objectStore(FILES);
    const [paths, contents] = await Promise.all([
      asked(reading.getAllKeys()),
      asked(reading.getAll() as IDBRequest<Uint8Array<ArrayBuffer>[]>),
    ]);
    paths.forEach((path, i) => place(String(path), contents[i]!));
    const change = (path: string, bytes: Uint8Array | null) => {
      const transaction = database.transaction(FILES, "readwrite");
      const files = transaction.objectStore(FILES);
      if (bytes === null) files.delete(path);
      else files.put(bytes, path);
      return ended(transaction);
    };
    let last = Promise.resolve();
    listen((path, bytes) => {
      if (!path.startsWith(`${folder}/`)) return;
      last = last.then(() => isKeeping ? change(path, bytes) : undefined).catch(failed);
      return last;
    });
  } catch (error) {
    failed(error);
  }
}
