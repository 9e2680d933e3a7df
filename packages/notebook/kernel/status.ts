/**
 * One line on the terminal that says what is going on; where there is no terminal, a line of output
 * now and then. It does not know what is going on.
 */
import process from "node:process";
import { plainText } from "../show/terminal.ts";

/** Seconds between lines where the output is not a terminal. */
const QUIET_SECONDS = 15;

/** Opens a status line on stderr, so that results on stdout stay clean. */
export function statusLine(stream = process.stderr) {
  let last = Date.now();
  return {
    show(words: string): void {
      const text = plainText(words);
      if (stream.isTTY) {
        stream.write(`\r\x1b[K${[...text].slice(0, (stream.columns ?? 80) - 1).join("")}`);
      } else if (Date.now() - last > QUIET_SECONDS * 1000) {
        last = Date.now();
        stream.write(`${text}\n`);
      }
    },
    clear(): void {
      if (stream.isTTY) stream.write("\r\x1b[K");
    },
  };
}
