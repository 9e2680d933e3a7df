import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const show = (room: string) =>
  JSON.stringify(new URL(`../packages/notebook/show/${room}.ts`, import.meta.url).href);

const passing = `
import { liveFigure } from ${show("figure")};
import { progress } from ${show("progress")};
import { lossCurves } from ${show("charts")};
const bar = progress("counting", 3), plot = liveFigure(), losses = [];
for (let i = 1; i <= 3; i++) {
  losses.push(1 / i);
  bar.update(i);
  plot.update(lossCurves([{ name: "seed " + Deno.env.get("IMPLICIT_SEEDS"), losses }]));
  await new Promise((resolve) => setTimeout(resolve, 300));
}
await bar.done();
await plot.done(lossCurves([{ name: "seed 0", losses }]));
Deno.writeTextFileSync(Deno.env.get("IMPLICIT_OUT") + "/results.jsonl", JSON.stringify({
  section: "4.1", arm: "base", model: "m", seed: null, metric: "win-rate", value: 2, low: 1,
  high: 3, sd: null, n: 9, paper: 2.4, seconds: 1, engine: "e", hashes: {}, versions: {},
}) + "\\n");`;

/** A folder inside the project, so that its notebooks see the project's packages. */
async function makeFolder(): Promise<string> {
  const cache = new URL("../.cache/", import.meta.url).pathname;
  await mkdir(cache, { recursive: true });
  return await mkdtemp(join(cache, "reproduce-"));
}

function notebookOf(...sources: string[]): string {
  const cells = sources.map((source, i) => ({
    cell_type: "code",
    id: `c${i}`,
    metadata: {},
    execution_count: null,
    outputs: [],
    source,
  }));
  return JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });
}

function reproduce(folder: string, ...args: string[]) {
  const script = new URL("./reproduce.ts", import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(
    Deno.execPath(),
    ["run", "-A", script, "--notebooks", folder, "--out", join(folder, "out"), ...args],
    { encoding: "utf8" },
  );
  return { status, said: stdout + stderr };
}

Deno.test("reproduce runs notebooks, keeps the finished ones, and names the cell that fails", async () => {
  const folder = await makeFolder();
  const out = join(folder, "out");
  try {
    await writeFile(join(folder, "00 fine.ipynb"), notebookOf(passing));
    await writeFile(join(folder, "01 bad.ipynb"), notebookOf("1;", "throw new Error('by design')"));

    const { status, said } = reproduce(folder, "--seeds", "2");
    assert.equal(status, 1);
    assert.match(said, /00 fine: /);
    assert.match(said, /Notebook "01 bad" failed in cell 2 of 2:\n {2}│ throw new Error/);
    assert.match(said, /by design/);
    assert.deepEqual((await readdir(out)).sort(), [
      "00 fine.ipynb",
      "01 bad.ipynb",
      "index.html",
      "results.json",
      "results.jsonl",
    ]);
    const [row] = JSON.parse(await readFile(join(out, "results.json"), "utf8"));
    assert.deepEqual([row.arm, row.value, row.paper], ["base", 2, 2.4]);

    // Updates replace what they update: one line of the bar, one figure.
    const { cells } = JSON.parse(await readFile(join(out, "00 fine.ipynb"), "utf8"));
    const shown = cells[0].outputs.map((o: { data: Record<string, unknown> }) => o.data);
    assert.deepEqual(shown.map((data: object) => Object.keys(data).length), [2, 4]);
    assert.match(String(shown[0]["text/plain"]), /^counting: 3 in /);
    const page = await readFile(join(out, "index.html"), "utf8");
    assert.match(page, /Training loss/);
    assert.match(page, /2\.4/);

    const again = reproduce(folder, "--only", "0");
    assert.equal(again.status, 0);
    assert.match(again.said, /Done in .*Open .*index\.html/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("reproduce answers bad arguments with what there is", async () => {
  const folder = await makeFolder();
  try {
    await writeFile(join(folder, "00 fine.ipynb"), notebookOf("1"));
    const refused = (pattern: RegExp, ...args: string[]) => {
      const { status, said } = reproduce(folder, ...args);
      assert.equal(status, 1);
      assert.match(said, pattern);
    };
    refused(/Expected one of these notebooks but found "7":\n {2}00 fine/, "--only", "7");
    refused(/'python' is invalid\. Allowed choices are deno, tslab/, "--kernel", "python");
    refused(/'many' is invalid\. Expected a whole number, 1 to 100/, "--seeds", "many");
    refused(/Expected to write into .*give another --out/, "--out", "/dev/null/x");
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("reproduce runs the committed notebooks, whatever a student has made of them since", async () => {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const project = await mkdtemp(join(tmpdir(), "reproduce-"));
  const git = (...args: string[]) => {
    const who = ["-c", "user.name=r", "-c", "user.email=r@localhost"];
    assert.equal(spawnSync("git", [...who, ...args], { cwd: project }).status, 0);
  };
  const run = (...args: string[]) => {
    const given = ["run", "-A", "tasks/reproduce.ts", ...args];
    const { status, stdout, stderr } = spawnSync(Deno.execPath(), given, {
      cwd: project,
      encoding: "utf8",
    });
    return { status, said: stdout + stderr };
  };
  try {
    // The project with another course: all else is its own.
    for (const name of (await readdir(root)).filter((name) => !KEPT_APART.has(name))) {
      await symlink(join(root, name), join(project, name));
    }
    const notebook = join(project, "notebooks", "00 toy.ipynb");
    await mkdir(join(project, "notebooks"));
    await writeFile(join(project, "notebooks", "deno.json"), "{}");
    await writeFile(notebook, notebookOf(`console.log("ran in", Deno.cwd().split("/").at(-1))`));
    const asTheyAre = run();
    assert.match(
      asTheyAre.said,
      /Running the notebooks as they are: git tells of no committed ones/,
    );
    assert.equal(asTheyAre.status, 0);

    git("init", "-q");
    git("add", "notebooks");
    git("commit", "-qm", "Begin");
    await writeFile(notebook, notebookOf("throw new Error('a slip')"));
    const committed = run();
    assert.match(committed.said, /as they were committed, since those in .*notebooks differ/);
    assert.equal(committed.status, 0, committed.said);
    assert.match(await readFile(join(project, "report", "00 toy.ipynb"), "utf8"), /in notebooks/);
    assert.match(run("--notebooks", "notebooks").said, /a slip/);
  } finally {
    await rm(project, { recursive: true });
  }
});

const KEPT_APART = new Set([".git", ".cache", "notebooks", "report", "work"]);

Deno.test("reproduce --check exits 0 where the numbers hold, 1 where one left its interval", async () => {
  const folder = await makeFolder();
  // Records a committed row, its value moved by so much.
  const recording = (by: number) => `
const [row] = JSON.parse(Deno.readTextFileSync("../../data/results.json")).rows;
const line = JSON.stringify({ ...row, value: row.value + ${by} }) + "\\n";
Deno.writeTextFileSync(Deno.env.get("IMPLICIT_OUT") + "/results.jsonl", line, { append: true });`;
  try {
    await writeFile(join(folder, "00 equal.ipynb"), notebookOf(recording(0)));
    await writeFile(join(folder, "01 moved.ipynb"), notebookOf(recording(50)));
    const moved = reproduce(folder, "--only", "1", "--check");
    assert.equal(moved.status, 1);
    assert.match(moved.said, /outside/);
    assert.match(moved.said, /1 moved out of them/);
    const equal = reproduce(folder, "--only", "0", "--check"); // what notebook 01 left is not of this run
    assert.equal(equal.status, 0);
    assert.match(
      equal.said,
      /1 number compared with the committed ones: all equal to the last bit/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

const grid = [
  `import { arms, compareArms, openStudy, rankArms, rankingRows, record } from "implicit";
const list = [arms.base, arms.responseTuning, arms.instructionTuning, arms.shuffledPairs];
const study = await openStudy({ seeds: 1, prompts: 4, maxTokens: 8, tuning: { steps: 1 } });`,
  `const rows = await compareArms(study, "4.1", list, arms.instructionTuning);
await record(study, rows);`,
  `const ranked = await rankingRows(study, await rankArms(study, list, "random"), "mean", "ranking");
await record(study, ranked);`,
];

Deno.test("reproduce --shard: three machines, one killed and begun again, make what one makes", async () => {
  const folder = await makeFolder();
  /** Starts it with a cache of its own; kills it once something is kept there, if it is to die. */
  const machine = (cache: string, args: readonly string[], dies = false) => {
    const script = new URL("./reproduce.ts", import.meta.url).pathname;
    const all = ["run", "-A", script, "--notebooks", folder, "--seeds", "1", ...args];
    const env = { ...process.env, IMPLICIT_CACHE: join(folder, cache) };
    const child = spawn(Deno.execPath(), all, { env, detached: true });
    let said = "";
    const listen = (chunk: Uint8Array) => said += new TextDecoder().decode(chunk);
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    const watch = setInterval(() => {
      if (dies && existsSync(join(folder, cache))) process.kill(-child.pid!, "SIGKILL");
    }, 20);
    return new Promise<{ status: number | null; said: string }>((resolve) =>
      child.on("close", (status) => {
        clearInterval(watch);
        resolve({ status, said });
      })
    );
  };
  const results = async (name: string) => {
    const rows = JSON.parse(await readFile(join(folder, name, "results.json"), "utf8"));
    assert.ok(rows.length > 0);
    return rows.map(({ seconds: _, ...row }: Record<string, unknown>) => row);
  };
  try {
    await writeFile(join(folder, "00 grid.ipynb"), notebookOf(...grid));
    const part = (i: number, dies = false) =>
      machine(`cache-${i}`, ["--shard", `${i}/3`, "--out", join(folder, `part-${i}`)], dies);
    const [one, killed, three, whole] = await Promise.all([
      part(1),
      part(2, true),
      part(3),
      machine("cache-whole", ["--out", join(folder, "whole")]),
    ]);
    assert.equal(killed.status, null, killed.said);
    for (const { status, said } of [one, await part(2), three]) {
      assert.equal(status, 0, said);
      assert.match(said, /Shard \d\/3 is done in .*; 2 cells wait for others\./);
    }
    const kept = [1, 2, 3].map((i) => join(folder, `cache-${i}`));
    const models = (await Promise.all(kept.map((one) => readdir(join(one, "models"))))).flat();
    assert.equal(new Set(models).size, models.length, "no model is tuned twice");
    assert.equal(models.length, 3);
    for (const one of kept) await cp(one, join(folder, "joined"), { recursive: true });
    const joined = await machine("joined", ["--out", join(folder, "together")]);
    assert.equal(joined.status, 0, joined.said);
    assert.deepEqual((await readdir(join(folder, "joined", "models"))).sort(), models.sort());
    assert.equal(whole.status, 0, whole.said);
    assert.deepEqual(await results("together"), await results("whole"));
  } finally {
    await rm(folder, { recursive: true });
  }
});
