/**
 * The notebooks' prose holds no measured number: these are said by `findings`, which makes its
 * sentences from rows. What stands typed is the paper's, or a setting, named here with its reason.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { notebookNames, readNotebooks } from "@implicit/notebook";
import { paperRows } from "implicit/tasks";

/** Typed numbers that are no result. */
const SETTINGS: Readonly<Record<string, string>> = {
  "95 %": "the level of every interval",
  "50 %": "parity, by definition",
  "ten points": "the margin that the study of templates named before it ran",
  "99 of 1,030": "appendix C: responses of LIMA that restate",
};

const WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|half|most|none|all";
const NUMBER = String.raw`\d+(?:,\d{3})*(?:\.\d+)?`;
/** A share, a difference of shares, or a count of a whole. */
const RESULT = new RegExp(
  [
    String.raw`(?:${NUMBER}|\b(?:${WORDS})) (?:%|per cent\b|percent\b|points?\b)`,
    String.raw`${NUMBER}%`,
    String.raw`(?:${NUMBER}|\b(?:${WORDS})) (?:out )?of ${NUMBER}`,
  ].join("|"),
  "gi",
);

/** What in a text looks like a result and is neither one of `values`, in the digits given, nor a setting. */
function measured(text: string, values: readonly number[]): string[] {
  const plain = text.replace(/\s+/g, " ").replace(/\]\([^)]*\)/g, "]"); // no addresses
  return (plain.match(RESULT) ?? []).filter((found) => {
    const share = /^([\d.]+) ?%$/.exec(found)?.[1];
    const digits = share?.split(".")[1]?.length ?? 0;
    return !(found in SETTINGS) && !values.some((value) => value.toFixed(digits) === share);
  });
}

Deno.test("measured() tells typed results from the paper's numbers and from settings", () => {
  const values = [43.3, 2.4];
  assert.deepEqual(
    measured("43 % of comparisons (43.3 %), the base 2 %; a 95 % interval", values),
    [],
  );
  assert.deepEqual(
    measured("wins 38.1 % or\n41%, three points more, 5 of 6, half of 192", values),
    [
      "38.1 %",
      "41%",
      "three points",
      "5 of 6",
      "half of 192",
    ],
  );
});

Deno.test("the prose of 00 to 06 and from 10 on holds the paper's numbers alone, and settings", async () => {
  const folder = fileURLToPath(new URL("../notebooks", import.meta.url));
  const names = (await notebookNames(folder)).filter((name) => name < "07" || name > "10");
  assert.ok(names.length > 7, "the notebooks of the paper, and of the open questions");
  const values = (await paperRows()).map(({ value }) => value);
  const found = [...await readNotebooks(folder, names)].flatMap(([name, { cells }]) =>
    cells.filter(({ cell_type }) => cell_type === "markdown")
      .flatMap(({ source }) => measured(source, values).map((number) => `${name}: ${number}`))
  );
  assert.deepEqual(found, []);
});

Deno.test("every notebook of 01 to 06 says what should have been seen, before its exercises", async () => {
  const folder = fileURLToPath(new URL("../notebooks", import.meta.url));
  const names = (await notebookNames(folder)).filter((name) => name > "01" && name < "07");
  for (const [name, { cells }] of await readNotebooks(folder, names)) {
    const at = cells.findIndex(({ id }) => id === "findings");
    assert.ok(at > 0 && /showMarkdown\(await findings\(/.test(cells[at]!.source), name);
    const exercises = cells.findIndex(({ source }) => /^## Exercises/m.test(source));
    assert.ok(exercises > at, `${name}: exercises before the findings`);
  }
});
