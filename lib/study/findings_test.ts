import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { claims } from "./claims.ts";
import { findings } from "./findings.ts";
import { paperRows, type ResultRow } from "./results.ts";
import { projectRoot } from "./settings.ts";
import { verdicts } from "./verdicts.ts";

const { rows }: { rows: ResultRow[] } = JSON.parse(
  await readFile(join(projectRoot(), "data", "results.json"), "utf8"),
);
const over = rows.filter(({ seed }) => seed === null);
const paper = await paperRows();
const bases = [...new Set(over.map(({ model }) => model))];
const ofBase = (base: string) => over.filter(({ model }) => model === base);
const measured = (rows: readonly ResultRow[]) =>
  verdicts(rows, paper).filter(({ model }) => bases.includes(model));
const numbersIn = (text: string): string[] => text.match(/(?<![A-Za-z]-?)-?\d+(\.\d+)?/g) ?? []; // Llama-2 is a name

Deno.test("a finding has the numbers of its rows, the paper's, and its claim's bounds alone", () => {
  assert.equal(bases.length, 6);
  const published = paper.map(({ value }) => value.toFixed(1));
  for (const base of bases) {
    const known = ofBase(base).flatMap(({ value, low, high }) =>
      [value, low, high].flatMap((x) => [x.toFixed(1), x.toFixed(2)])
    );
    for (const { finding, figures, model, claim } of measured(ofBase(base))) {
      const claimed = claims.find(({ text }) => text === claim)!;
      const derived = verdicts(rows, paper).filter((one) => one.claim === claim)
        .flatMap(({ figures }) => Object.values(figures).map((x) => x.toFixed(1)));
      // What an end says is typed by hand: the bounds of its claim, and names, no measured number.
      const typed = [...numbersIn(claim), "5"]; // Figure 5
      for (const number of numbersIn(`${claimed.yes} ${claimed.no}`)) {
        assert.ok(typed.includes(number), `${number} of "${claim}" is none of its bounds`);
      }
      const allowed = new Set([...known, ...published, ...derived, ...typed]);
      for (const number of numbersIn(finding)) {
        assert.ok(allowed.has(number), `${model}: ${number} is none of the rows': ${finding}`);
      }
      // Every figure that decides is there to be read, with its digits.
      for (const [name, value] of Object.entries(figures)) {
        const forms = [value.toFixed(1), value.toFixed(2)];
        assert.ok(forms.some((one) => numbersIn(finding).includes(one)), `${name}: ${finding}`);
      }
    }
  }
});

Deno.test("a finding says what its figures say, and other rows turn it", () => {
  for (const base of bases) {
    const own = ofBase(base), found = measured(own);
    const turned = changed(own).map(measured);
    for (const [i, claim] of claims.entries()) {
      const { holds, figures, finding } = found[i]!;
      assert.equal(holds, claim.holds(figures), claim.text);
      assert.ok(finding.endsWith(`: ${holds ? claim.yes : claim.no}`), finding);
      const others = turned.map((verdicts) => verdicts[i]!).filter((one) => one.holds === !holds);
      assert.ok(others.length > 0, `no row of ${base} decides "${claim.text}"`);
      for (const other of others) {
        assert.ok(other.finding.endsWith(`: ${holds ? claim.no : claim.yes}`), other.finding);
      }
    }
  }
});

/** The same rows, but for one measure of one arm, or of a whole section. */
function changed(rows: readonly ResultRow[]): ResultRow[][] {
  const names = rows.flatMap(({ arm, metric, section }) => [`${arm} ${metric}`, `${section}`]);
  return [...new Set(names)].flatMap((name) =>
    [0, 100, -100].map((value) =>
      rows.map((row) =>
        [`${row.arm} ${row.metric}`, row.section].includes(name)
          ? { ...row, value, low: value, high: value }
          : row
      )
    )
  );
}

Deno.test("findings() tells what holds from what does not, of each base, and says how to read it", async () => {
  const text = await findings(rows.filter(({ model }) => ["base-1", "base-6"].includes(model)));
  assert.match(text, /\(base-1, 5 seeds\):\n\n- \*\*Holds\.\*\* The base[^]*\(base-6, 5 seeds\)/);
  assert.match(text, /- \*\*Does not hold here\.\*\* The base, untaught, wins 0\.5 %/);
  assert.match(text, /41\.9 % \[39\.5, 44\.1\] \(Llama-2 43\.3, OLMo 43\.7\)/);
  assert.match(text, /In brackets the 95 % interval/);
  assert.doesNotMatch(text, /NaN|undefined|Infinity/);
  assert.equal(await findings([]), "These rows decide none of the claims.");
  const rules = rows.filter(({ model, section }) => model === "base-1" && section === "6");
  assert.match(await findings(rules), /EOS ramp/);
  assert.doesNotMatch(await findings(rules), /shuffled/i);
});
