import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSite } from "@implicit/notebook";
import { projectRoot } from "implicit/tasks";
import { courseChapters, frontOf } from "./front.ts";

Deno.test("the committed course becomes a site in which every link leads somewhere", async () => {
  const out = await mkdtemp(join(tmpdir(), "site-"));
  try {
    const chapters = await courseChapters(join(projectRoot(), "notebooks"), [], "");
    const sizes = await writeSite(out, { title: "The course" }, chapters);
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    assert(total < 12e6, `${(total / 1e6).toFixed(1)} MB are too much for a phone`);
    const page = await readFile(join(out, "01-response-tuning.html"), "utf8");
    assert.match(page, /<a href="02-response-ranking\.html">/);
    assert.match(page, /<a href="glossary\.html#glossary-/);
    assert.doesNotMatch(page, /<(?:img|script|link)[^>]+(?:src|href)="https?:/);
  } finally {
    await rm(out, { recursive: true });
  }
});

Deno.test("the first screen offers the laboratory where it was built, and only there", async () => {
  const given = { date: "2026-01-01", form: "" };
  assert.equal((await frontOf([], { ...given, lab: null })).frame, undefined);
  assert.equal((await frontOf([], { ...given, lab: "lab.html" })).frame?.address, "lab.html");
});
