/**
 * What all tasks share: the functions that commander calls to read the value of an option, and what
 * is done of an error.
 */
import { plainText } from "@implicit/notebook";
import { InvalidArgumentError } from "commander";

/** A whole number in this range; "20_000_000" is one too. */
export function whole(least = 0, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text.replaceAll("_", ""));
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `${least} to ${most}`;
    throw new InvalidArgumentError(`Expected a whole number, ${range}.`);
  };
}

/** Any number. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && !Number.isNaN(value)) return value;
  throw new InvalidArgumentError("Expected a number.");
}

/** What `check` throws nothing at: it says what is wrong. */
export function checkedBy(check: (text: string) => unknown): (text: string) => string {
  return (text) => {
    try {
      check(text);
      return text;
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

/** A JSON object. */
export function jsonObject(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch { /* neither is one */ }
  throw new InvalidArgumentError('Expected a JSON object, such as {"attention_dropout": null}.');
}

/** One of these names. */
export function among<T extends string>(names: readonly T[]): (text: string) => T {
  return (text) => {
    const found = names.find((name) => name === text.trim());
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`Expected one of ${names.join(", ")}.`);
  };
}

/** Does a task's work; where it fails, says why in a sentence and ends. */
export async function orSayWhy(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(plainText((error as Error).message));
    Deno.exit(1);
  }
}

/** Some of these names, separated by commas. */
export function several<T extends string>(names: readonly T[]): (text: string) => T[] {
  return (text) => text.split(",").map(among(names));
}
