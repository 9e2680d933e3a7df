/** Where the project is put, and beside what: odd paths, full and read-only disks, a second process. */
import assert from "node:assert/strict";
import { spawn, type SpawnOptions, spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { projectRoot } from "../../study/settings.ts";

const script = fileURLToPath(new URL("./work.ts", import.meta.url));

/** Runs a kind of work to its end. */
async function work(
  args: readonly string[],
  options: SpawnOptions & { script?: string } = {},
): Promise<{ done: string | undefined; said: string }> {
  const child = spawn(
    process.execPath,
    ["run", "-A", "--quiet", "--no-check", options.script ?? script, ...args],
    { ...options, stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (text) => (said += text));
  await new Promise((resolve) => child.on("close", resolve));
  return { done: /done .*/.exec(said)?.[0], said };
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "trust-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("two studies on one cache, at once, give what one gives", () =>
  inFolder(async (folder) => {
    await work(["studied", folder]);
    const [one, other] = await Promise.all([work(["study", folder]), work(["study", folder])]);
    assert.ok(one.done, one.said);
    assert.equal(one.done, other.done, other.said);
    const left = await readdir(join(folder, "kept", "runs"));
    assert.deepEqual(left.filter((name) => !name.endsWith(".json")), []);
  }));

Deno.test("a clone in a path with spaces, #, %, ü and quotes tunes, studies and exports", () =>
  inFolder(async (folder) => {
    const clone = join(folder, "a b#c%20d ü'\"");
    await mkdir(clone);
    const root = projectRoot();
    for (const name of ["deno.json", "deno.lock", "package.json", "lib", "packages", "notebooks"]) {
      await cp(join(root, name), join(clone, name), { recursive: true });
    }
    for (const name of ["data", "node_modules"]) await symlink(join(root, name), join(clone, name));
    const own = join(clone, "lib", "testing", "trust", "work.ts");
    for (const name of ["tuning", "study", "before"]) {
      const place = join(clone, name);
      await mkdir(place);
      const { done, said } = await work([name, place], { script: own, cwd: clone });
      assert.ok(done, said);
    }
  }));

/** Runs with a file system of so many kilobytes, where one may be mounted. */
const onSmallDisk = (kilobytes: number, body: (disk: string) => Promise<void>) =>
  inFolder(async (folder) => {
    const disk = join(folder, "disk");
    await mkdir(disk);
    const { status } = spawnSync("mount", [
      "-t",
      "tmpfs",
      "-o",
      `size=${kilobytes}k`,
      "tmpfs",
      disk,
    ]);
    if (status !== 0) return console.log("Skipped: only root may mount a small file system");
    try {
      await body(disk);
    } finally {
      spawnSync("umount", [disk]);
    }
  });

Deno.test("on a full disk a training goes on, says what it cannot keep and leaves no half file", () =>
  onSmallDisk(16, async (disk) => {
    const { done, said } = await work(["tuning", disk]);
    assert.ok(done, said);
    assert.match(said, /goes on, but its step 2 is not kept in .*(ENOSPC|no space)/is);
    const left = await readdir(join(disk, "checkpoints"));
    assert.deepEqual(left.filter((name) => !name.endsWith(".safetensors")), []);
    spawnSync("mount", ["-o", "remount,size=100m", disk]);
    const again = await work(["tuning", disk]);
    assert.equal(again.done, done, again.said);
    assert.deepEqual(await readdir(join(disk, "checkpoints")), ["step-16.safetensors"]);
  }));

Deno.test("a study whose cache is full gives the same, and says what is not kept and how to mend it", () =>
  inFolder(async (whole) => {
    const { done } = await work(["study", whole]);
    await onSmallDisk(16, async (disk) => {
      const full = await work(["study", whole, disk]);
      assert.equal(full.done, done, full.said);
      const mend =
        /^Not kept in tunings, .*\(\d+ MB are needed\)\. Make room in .* IMPLICIT_CACHE /m;
      assert.match(full.said, mend);
    });
  }));

Deno.test("what is kept on a disk that has become read-only is read", () =>
  onSmallDisk(20_000, async (disk) => {
    const first = await work(["study", disk]);
    assert.ok(first.done, first.said);
    spawnSync("mount", ["-o", "remount,ro", disk]);
    const again = await work(["study", disk]);
    assert.equal(again.done, first.done, again.said);
  }));
