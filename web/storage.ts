/**
 * Keeps files of the tab's memory in IndexedDB, so that a reload finds them again. Where a browser
 * allows none (a sandboxed frame, a private window, a full disk), everything goes on in memory and
 * one sentence says so.
 *
 * It knows paths, and nothing of what lies there.
 */
import { listen, place } from "./node.ts";

const FILES = "files";

const asked = <T>(request: IDBRequest<T>) =>
  new Promise<T>((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
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
  const failed = (error: unknown) => {
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
    const store = (mode: IDBTransactionMode) =>
      database.transaction(FILES, mode).objectStore(FILES);
    const reading = store("readonly");
    const [paths, contents] = await Promise.all([
      asked(reading.getAllKeys()),
      asked(reading.getAll() as IDBRequest<Uint8Array<ArrayBuffer>[]>),
    ]);
    paths.forEach((path, i) => place(String(path), contents[i]!));
    let last = Promise.resolve<unknown>(undefined);
    listen((path, bytes) => {
      if (!path.startsWith(`${folder}/`)) return;
      const change = (): Promise<unknown> => {
        const files = store("readwrite");
        return bytes === null ? asked(files.delete(path)) : asked(files.put(bytes, path));
      };
      last = last.then(change);
      last.catch(failed);
    });
  } catch (error) {
    failed(error);
  }
}
