import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { forestSvg } from "@implicit/notebook";
import { paperRows, projectRoot, storyOf } from "implicit/tasks";

const data = (name: string) => readFile(join(projectRoot(), "data", name), "utf8");

Deno.test("the README's figure shows what data/results.json holds", async () => {
  const { rows } = JSON.parse(await data("results.json"));
  const story = storyOf(rows, await paperRows())!;
  for (const theme of ["light", "dark"] as const) {
    const svg = forestSvg(story, { theme });
    assert.equal(await data(`story-${theme}.svg`), svg, "stale: run `deno task readme`");
    assert(new TextEncoder().encode(svg).length < 25_000, "a small file");
  }
  const readme = await readFile(join(projectRoot(), "README.md"), "utf8");
  assert.match(
    readme,
    /dark\)" srcset="data\/story-dark\.svg">\s*<img[^>]* src="data\/story-light\.svg"/,
  );
});
