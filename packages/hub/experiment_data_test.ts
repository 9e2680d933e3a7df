import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { experimentData } from "./experiment_data.ts";
import { singleTaskSources } from "./single_tasks.ts";

/** A folder of data, and options that lead to a hub which cannot be asked. */
async function inFolder(test: (folder: string, offline: { cache: string }) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "experiment-"));
  const before = Deno.env.get("HF_HUB_OFFLINE");
  Deno.env.set("HF_HUB_OFFLINE", "1");
  try {
    await test(folder, { cache: join(folder, "cache") });
  } finally {
    if (before === undefined) Deno.env.delete("HF_HUB_OFFLINE");
    else Deno.env.set("HF_HUB_OFFLINE", before);
    await rm(folder, { recursive: true });
  }
}

const chat = JSON.stringify({
  messages: [{ role: "user", content: "Hi" }, { role: "assistant", content: "Hello." }],
});

Deno.test("experimentData() reads what a folder has, once, and asks the hub for the rest", () =>
  inFolder(async (folder, offline) => {
    const asked: string[] = [];
    const data = experimentData(folder, {
      ...offline,
      watch(name, work) {
        asked.push(name);
        return work();
      },
    });
    await writeFile(join(folder, "lima.jsonl"), chat);
    const { items, origin } = await data.general();
    deepEqual(items[0]!.messages.map(({ content }) => content), ["Hi", "Hello."]);
    match(origin, /lima\.jsonl$/);
    await rm(join(folder, "lima.jsonl"));
    equal((await data.general()).items, items, "a second use reads nothing");
    deepEqual(asked, [], "no download is shown where there is none");
    await rejects(data.ranking(), /HF_HUB_OFFLINE.* Or put alpaca\.jsonl into .*experiment-/s);
    deepEqual(asked, ["alpaca"]);
    await mkdir(join(folder, "mbpp"));
    for (const name of ["a", "b"]) await writeFile(join(folder, "mbpp", `${name}.jsonl`), "{}\n");
    await rejects(data.task(singleTaskSources.code!), /one data file for mbpp .*a\.jsonl/);
  }));

Deno.test("experimentData() takes a file, also from the root it is given, or says what it expects", () =>
  inFolder(async (folder, offline) => {
    await writeFile(join(folder, "mine.jsonl"), chat);
    const relative = join(basename(folder), "mine.jsonl");
    const data = experimentData(relative, { root: dirname(folder) });
    equal((await data.general()).items.length, 1);
    throws(
      () => experimentData("nothing-here", { root: folder }),
      /"lima", "alpaca", or a file or folder of data, but found "nothing-here".*experiment-/,
    );
    await rejects(
      experimentData("lima", { ...offline, setting: "MY_DATA" }).general(),
      /Or put lima\.jsonl into a folder and name the folder in MY_DATA, .*: MY_DATA=alpaca\./,
    );
  }));
