import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "implicit/tasks";

const packages = join(projectRoot(), "packages");
const EXAMPLE = /```ts\n(.*?)```\n\n```text\n(.*?)```/s;

/** READMEs that show what their example prints; where it needs more, the package's own test runs it. */
const shown = readdirSync(packages).flatMap((name) => {
  const found = EXAMPLE.exec(readFileSync(join(packages, name, "README.md"), "utf8"));
  return found ? [{ name, example: found[1]!, printed: found[2]! }] : [];
});

for (const { name, example, printed } of shown) {
  Deno.test(`the example in the README of ${name} prints what the README says`, async () => {
    const file = join(packages, name, `.readme_example_${Deno.pid}.ts`); // inside, for its imports
    try {
      await writeFile(file, example);
      const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--check", file] });
      const { stdout, stderr } = await command.output();
      const text = new TextDecoder();
      assert.equal(text.decode(stdout), printed, text.decode(stderr));
    } finally {
      await rm(file, { force: true });
    }
  });
}

Deno.test("every package has a README whose example a test runs", () => {
  for (const name of readdirSync(packages)) {
    const own = readdirSync(join(packages, name)).includes("readme_test.ts");
    assert.notEqual(shown.some((one) => one.name === name), own, name);
  }
});
