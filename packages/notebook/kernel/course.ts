/**
 * A course of notebooks and its readers: their working copy, and the course as it was committed.
 *
 * Knows folders and git. It does not know what the notebooks hold.
 */
import { spawnSync } from "node:child_process";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { notebookNames } from "./shelf.ts";
import { writeWhole } from "./write.ts";

/**
 * Copies into `copy` the notebooks of `course` that are not there yet; what the reader has made of the
 * others stays. So an original comes back when its copy is deleted or renamed.
 *
 * @returns the names of those that are new in `copy`.
 * @example await workingCopy("notebooks", "work");
 */
export async function workingCopy(course: string, copy: string): Promise<string[]> {
  await mkdir(copy, { recursive: true });
  const there = new Set(await notebookNames(copy));
  const fresh = (await notebookNames(course)).filter((name) => !there.has(name));
  for (const name of fresh) {
    await copyFile(join(course, `${name}.ipynb`), join(copy, `${name}.ipynb`));
  }
  return fresh;
}

/**
 * A folder with the course as its repository has it: `course` itself where nothing was changed in it
 * or git knows nothing of it, else a copy in `copy`, in place of what was there.
 *
 * @example const folder = await committedCourse("notebooks", ".cache/course");
 */
export async function committedCourse(course: string, copy: string): Promise<string> {
  const git = (...args: string[]) => {
    const { status, stdout } = spawnSync("git", args, { cwd: course, maxBuffer: 2 ** 30 });
    return status === 0 ? stdout : null;
  };
  if (!git("status", "--porcelain", "--", ".")?.length) return course;
  const files = git("ls-tree", "-z", "--name-only", "HEAD")?.toString().split("\0");
  if (!files) return course; // nothing is committed yet
  await rm(copy, { recursive: true, force: true });
  for (const file of files.filter((name) => name.endsWith(".ipynb"))) {
    await writeWhole(join(copy, file), git("show", `HEAD:./${file}`)!);
  }
  return copy;
}
