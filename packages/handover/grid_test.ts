import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { writeGrid } from "./grid.ts";

Deno.test("writeGrid() writes a Slurm array and a Kubernetes job that count the same parts", async () => {
  const out = await mkdtemp(join(tmpdir(), "grid-"));
  try {
    assert.deepEqual(await writeGrid(out, "reproduce --seeds 5", 20), [
      "kubernetes.yaml",
      "slurm.sh",
    ]);
    await writeFile(join(out, "handover.json"), "{}");
    await assert.rejects(
      writeGrid(out, "study templates", 3),
      /a hand-over of trainings in .*name another/,
    );
    const job = parse(await readFile(join(out, "kubernetes.yaml"), "utf8"));
    assert.equal(job.metadata.name, "reproduce");
    assert.equal(job.spec.completions, 20);
    const slurm = await readFile(join(out, "slurm.sh"), "utf8");
    assert.match(slurm, /^#SBATCH .*--array=1-20 /m);
    // What each would run, with a shell in place of the task.
    const said = (script: string, env: Record<string, string>) => {
      const { stdout, stderr } = spawnSync("bash", ["-c", script.replace(/exec /, "echo ")], {
        env: { ...env, PATH: Deno.env.get("PATH")! },
        encoding: "utf8",
      });
      assert.equal(stderr, "");
      return stdout.trim();
    };
    const task = "deno task reproduce --seeds 5 --shard 7/20";
    const [, , command] = job.spec.template.spec.containers[0].command;
    assert.equal(said(command, { JOB_COMPLETION_INDEX: "6" }), task);
    const array = said(slurm, { SLURM_ARRAY_TASK_ID: "7", SLURM_SUBMIT_DIR: out });
    assert.equal(array, task.replace("deno", "npx -y deno@2.9.6"));
  } finally {
    await rm(out, { recursive: true });
  }
});
