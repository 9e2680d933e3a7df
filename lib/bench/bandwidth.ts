/**
 * How fast this machine reads memory: what a decoder of one row waits for. Knows the C library's
 * search for a byte, which does nothing but read.
 */
import process from "node:process";
import koffi from "koffi";

/** Bytes of the array, more than any cache holds. */
const SIZE = 2 ** 29;

const libraries: Readonly<Record<string, string>> = {
  linux: "libc.so.6",
  darwin: "/usr/lib/libSystem.B.dylib",
  win32: "ucrtbase.dll",
};

/**
 * Prepares a read of half a gigabyte by so many threads at once, each its share.
 *
 * @returns reads all of it once, and says how many bytes it is.
 * @throws where there is no C library of a known name.
 */
export function memoryReader(threads: number): () => Promise<number> {
  const library = koffi.load(libraries[process.platform] ?? "libc.so");
  const search = library.func("void *memchr(void *, int, size_t)");
  const share = Math.floor(SIZE / threads);
  const array = new Uint8Array(threads * share).fill(1); // written, or it would be no memory at all
  const parts = Array.from(
    { length: threads },
    (_, i) => array.subarray(i * share, (i + 1) * share),
  );
  return async () => {
    const found = await Promise.all(
      parts.map((part) =>
        new Promise<unknown>((resolve, reject) =>
          search.async(
            part,
            0,
            share,
            (error: unknown, place: unknown) => error ? reject(error) : resolve(place),
          )
        )
      ),
    );
    if (found.some((place) => place !== null)) {
      throw new Error("Expected no zero in an array of ones, but found one: memory is damaged.");
    }
    return array.length;
  };
}
