/**
 * A course of notebooks and its readers: their working copy, and the course as it was committed.
 *
 * Knows folders and git. It does not know what the notebooks hold.
 */
import { spawnSync } from "node:child_process";
import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "./write.ts";

/**
 * Copies into `copy` the notebooks of `course` that are not there yet, and the pages that they link
 * to; what the reader has made of the others stays. So an original comes back when its copy is
 * deleted or renamed.
 *
 * @returns the names of the notebooks that are new in `copy`.
 * @example await workingCopy("notebooks", "work");
 */
export async function workingCopy(course: string, copy: string): Promise<string[]> {
  await mkdir(copy, { recursive: true });
  const there = new Set(await readdir(copy));
  const fresh = (await readdir(course)).filter((file) => /\.(ipynb|md)$/.test(file))
    .filter((file) => !there.has(file)).sort();
  for (const file of fresh) await copyFile(join(course, file), join(copy, file));
  return fresh.flatMap((file) => /^[^.].*(?=\.ipynb$)/.exec(file) ?? []);
}

/** Where a course is to be read, and what its reader should know about that, if anything. */
export interface Course {
  readonly folder: string;
  readonly note: string | null;
}

/**
 * The course as its repository has it: `course` itself where nothing was changed in it or git does
 * not know it, else what was committed last, written to `copy`.
 *
 * @example const { folder, note } = await committedCourse("notebooks", ".cache/course");
 */
export async function committedCourse(course: string, copy: string): Promise<Course> {
  const git = (...args: string[]) => {
    const { status, stdout } = spawnSync("git", args, { cwd: course, maxBuffer: 2 ** 30 });
    return status === 0 ? stdout : null;
  };
  const committed = git("ls-tree", "-z", "--name-only", "HEAD")?.toString().split("\0")
    .filter((name) => name.endsWith(".ipynb")) ?? [];
  if (committed.length === 0) { // a downloaded archive, another user's checkout, no git
    return {
      folder: course,
      note: "Running the notebooks as they are: git tells of no committed ones.",
    };
  }
  if (git("status", "--porcelain", "--", ".")?.length === 0) return { folder: course, note: null };
  // Files are replaced one by one, for whoever reads the folder at the same time.
  for (const file of committed) await writeWhole(join(copy, file), git("show", `HEAD:./${file}`)!);
  const foreign = (await readdir(copy)).filter((name) => !committed.includes(name));
  for (const file of foreign) await rm(join(copy, file), { recursive: true });
  const note = `Running the notebooks as they were committed, since those in ${course} differ: ` +
    `--notebooks "${course}" runs these.`;
  return { folder: copy, note };
}
