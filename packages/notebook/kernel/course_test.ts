import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { committedCourse, workingCopy } from "./course.ts";

async function inFolder(work: (folder: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "course #1 "));
  try {
    await mkdir(join(folder, "notebooks"));
    for (const name of ["00 a", "01 b"]) {
      await writeFile(join(folder, "notebooks", `${name}.ipynb`), name);
    }
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("workingCopy() copies what is not there, and touches nothing of the reader's", () =>
  inFolder(async (folder) => {
    const course = join(folder, "notebooks"), copy = join(folder, "work");
    await writeFile(join(course, "glossary.md"), "words");
    assert.deepEqual(await workingCopy(course, copy), ["00 a", "01 b"]);
    assert.equal(await readFile(join(copy, "glossary.md"), "utf8"), "words");
    await writeFile(join(copy, "00 a.ipynb"), "mine");
    await rm(join(copy, "01 b.ipynb"));
    assert.deepEqual(await workingCopy(course, copy), ["01 b"]);
    assert.equal(await readFile(join(copy, "00 a.ipynb"), "utf8"), "mine");
    assert.equal(await readFile(join(course, "00 a.ipynb"), "utf8"), "00 a");
  }));

Deno.test("committedCourse() is the course itself until somebody edits it", () =>
  inFolder(async (folder) => {
    const course = join(folder, "notebooks"), copy = join(folder, ".cache", "course");
    const unknown = await committedCourse(course, copy);
    assert.equal(unknown.folder, course);
    assert.match(unknown.note!, /as they are: git tells of no committed ones/);
    const git = (...args: string[]) =>
      assert.equal(spawnSync("git", args, { cwd: folder }).status, 0);
    git("init", "-q");
    git("add", ".");
    git("-c", "user.name=r", "-c", "user.email=r@localhost", "commit", "-qm", "Begin");
    assert.deepEqual(await committedCourse(course, copy), { folder: course, note: null });
    await writeFile(join(course, "00 a.ipynb"), "broken");
    await writeFile(join(course, "02 mine.ipynb"), "new");
    await mkdir(copy, { recursive: true });
    await writeFile(join(copy, "03 once.ipynb"), "of an older course");
    const { folder: where, note } = await committedCourse(course, copy);
    assert.equal(where, copy);
    assert.match(note!, /as they were committed, since those in .*notebooks differ/);
    assert.deepEqual((await readdir(copy)).sort(), ["00 a.ipynb", "01 b.ipynb"]);
    assert.equal(await readFile(join(copy, "00 a.ipynb"), "utf8"), "00 a");
  }));
