import { strictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

Deno.test("README's example prints what its comments say", async () => {
  const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
  const [, code] = readme.match(/```ts\n([\s\S]*?)```/)!;
  const said = [...code!.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, line]) => line);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--check", "--ext=ts", code!],
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    env: { NO_COLOR: "1" },
    stderr: "inherit",
  }).output();
  strictEqual(new TextDecoder().decode(stdout).trim(), said.join("\n"));
});
