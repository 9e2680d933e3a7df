/**
 * What one damaged input does to a reader: refused with a sentence, read and found good, or a fault.
 * Knows neither readers nor inputs.
 */
import type { Random } from "./mutate.ts";

/**
 * Reads an input that it has damaged; a reader that refuses throws. Where it does not, the result
 * checks what was read, and throws where that is nonsense.
 */
export type Trial = (random: Random) => Promise<() => unknown>;

/** Makes the inputs of a trial in a folder of its own, once for many trials. */
export type Reader = (folder: string) => Promise<Trial>;

/** What is no fault, and the faults that an input shows by itself. */
export type Outcome = "accepted" | "refused" | "nonsense" | "no sentence";

/** The project's own sentences; and the runtime's, which names the node of a graph that cannot run. */
const SENTENCE = /\bExpected .* found\b|^ONNX Runtime: /s;

/** Tries one input. `detail` says what is wrong, where something is. */
export async function attempt(
  trial: Trial,
  random: Random,
): Promise<{ outcome: Outcome; detail?: string }> {
  let outcome: Outcome = "accepted", detail: string | undefined;
  const check = await trial(random).catch((error: unknown) => {
    const isSentence = error instanceof Error && SENTENCE.test(error.message);
    outcome = isSentence ? "refused" : "no sentence";
    if (!isSentence) detail = inWords(error);
  });
  try {
    await check?.();
  } catch (error) {
    [outcome, detail] = ["nonsense", inWords(error)];
  }
  return { outcome, ...(detail === undefined ? {} : { detail }) };
}

/** An error with the place in the project where it arose. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 200);
  const place = /(?:packages|lib)\/[^\s()]*:\d+:\d+/.exec(error.stack ?? "")?.[0];
  return `${error.name}: ${error.message.slice(0, 300)}${place ? ` (${place})` : ""}`;
}
