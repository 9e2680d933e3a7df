import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

Deno.test("the README's example prints what the README says", async () => {
  const room = import.meta.dirname!;
  const readme = await readFile(join(room, "README.md"), "utf8");
  const [, example, printed] = readme.match(/```ts\n(.*?)```\n\n```text\n(.*?)```/s)!;
  const file = join(room, `.readme_example_${Deno.pid}.ts`); // inside the package, for its imports
  try {
    await writeFile(file, example!);
    const args = ["run", "-A", "--check", file];
    const command = new Deno.Command(Deno.execPath(), { args, cwd: join(room, "../..") });
    const { stdout, stderr } = await command.output();
    const text = new TextDecoder();
    assert.equal(text.decode(stdout), printed, text.decode(stderr));
  } finally {
    await rm(file);
  }
});
