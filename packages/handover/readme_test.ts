import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

Deno.test("the README's example prints what the README says", async () => {
  const readme = await readFile(here("README.md"), "utf8");
  const [, example, printed] = readme.match(/```ts\n(.*?)```\n\n```text\n(.*?)```/s)!;
  const file = here(`readme_example_${Deno.pid}.ts`); // inside the package, for its imports
  try {
    await writeFile(file, example!);
    const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--check", file] });
    const { stdout, stderr } = await command.output();
    const text = new TextDecoder();
    assert.equal(text.decode(stdout), printed, text.decode(stderr));
  } finally {
    await rm(file);
  }
});
