import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHub } from "@implicit/hub/testing";
import { startLoopback } from "@implicit/alpaca-eval/testing";
import { arms, withoutRestating } from "./arm.ts";
import { viewData } from "./data_view.ts";
import { overview } from "./overview.ts";
import { rankArms, rankingRows } from "./ranking.ts";
import { compareArms } from "./results.ts";
import { projectRoot } from "./settings.ts";
import { openScale } from "./scales.ts";
import { budgetOf } from "./small.ts";
import { openStudy } from "./open_study.ts";

const shipped = join(projectRoot(), "data", "world", "base-1");
const text = (value: unknown) => new TextEncoder().encode(value as string);
const lines = (rows: unknown[]) => text(rows.map((row) => JSON.stringify(row)).join("\n"));

const lima = [
  { conversations: ["Name a river.", "The Rhine is a river."] },
  { conversations: ["Name a town.", "Basel is a town.", "And another?", "Zug is one."] },
  { conversations: [] },
  { conversations: ["Name a lake.", "Lake Constance is a lake."] },
];
const alpacaEval = ["Name a hill.", "Write a poem on a tree.", "Name a fish."].map((
  instruction,
) => (
  { instruction, output: "An oak is a tree.", dataset: "koala", generator: "baseline" }
));

/** Runs with an empty cache, an empty copy of the hub's cache, and these variables. */
async function inSandbox(
  variables: Record<string, string>,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "small-"));
  const all: Record<string, string | undefined> = {
    IMPLICIT_CACHE: join(folder, "cache"),
    IMPLICIT_OUT: undefined,
    IMPLICIT_MODEL: undefined,
    IMPLICIT_BASE: undefined,
    IMPLICIT_DATA: undefined,
    IMPLICIT_JUDGE: undefined,
    HF_HUB_CACHE: join(folder, "hub"),
    HF_HUB_OFFLINE: "1",
    ...variables,
  };
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  const saved = Object.keys(all).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(all)) set(name, value);
  try {
    await body(folder);
  } finally {
    for (const [name, value] of saved) set(name, value);
    await rm(folder, { recursive: true });
  }
}

/** A folder of data such as IMPLICIT_DATA may name. */
async function dataFolder(folder: string): Promise<string> {
  const data = join(folder, "data");
  await mkdir(join(data, "gsm8k"), { recursive: true });
  await writeFile(join(data, "lima.jsonl"), lines(lima));
  await writeFile(join(data, "alpaca_eval.json"), JSON.stringify(alpacaEval));
  await writeFile(
    join(data, "gsm8k", "train.jsonl"),
    lines([{ question: "What is 1 + 1?", answer: "1 + 1 = 2\n#### 2" }]),
  );
  return data;
}

Deno.test("openStudy() opens a model and data of the hub, gated ones included, then without it", async () => {
  const files = Object.fromEntries(
    await Promise.all(
      ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"].map(
        async (name) => [name, new Uint8Array(await readFile(join(shipped, name)))] as const,
      ),
    ),
  );
  const hub = await startHub({
    "lab/base": { files, large: ["model.safetensors"] },
    "GAIR/lima": { kind: "dataset", files: { "train.jsonl": lines(lima) }, gatedFor: "hf_good" },
    "tatsu-lab/alpaca_eval": {
      kind: "dataset",
      files: { "alpaca_eval.json": text(JSON.stringify(alpacaEval)) },
    },
  });
  const variables = { HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: "", HF_TOKEN: "hf_wrong" };
  try {
    await inSandbox({ ...variables, IMPLICIT_MODEL: "lab/base" }, async () => {
      const open = () => openStudy({ scale: "small", seeds: 1, tuning: { steps: 2 } });
      await assert.rejects(
        (await open()).explain(arms.responseTuning),
        /gated dataset GAIR\/lima .* HF_TOKEN.*put lima\.jsonl into a folder.*IMPLICIT_DATA=alpaca/s,
      );
      Deno.env.set("HF_TOKEN", "hf_good");
      const study = await open();
      assert.equal(study.base.name, "lab/base");
      assert.deepEqual(study.prompts.map(({ family }) => family), ["koala", "poem", "animal"]);
      const tokens = await study.explain(arms.instructionTuning);
      const targets = tokens.filter(({ target }) => target).map((token) => token.text).join("");
      assert.match(targets, /^The Rhine is a river\./);
      const [view] = await viewData(study, [arms.responseTuning]);
      assert.match(view!.account, /^lima: 3 from GAIR\/lima@.*the paper: 1030.*1 × a dialogue/);

      Deno.env.set("HF_HUB_OFFLINE", "1");
      const asked = hub.requests.length;
      const again = await open();
      assert.deepEqual(
        await again.key(arms.responseTuning, 1),
        await study.key(arms.responseTuning, 1),
      );
      assert.equal(hub.requests.length, asked, "a second use asks nobody");
    });
  } finally {
    await hub.close();
  }
});

Deno.test("openStudy() takes a folder as its base and a folder as its data", async () => {
  await inSandbox({}, async (folder) => {
    const data = await dataFolder(folder);
    const study = await openStudy({ scale: "small", base: shipped, data, seeds: 1, prompts: 2 });
    const { scale } = study;
    assert.equal(study.prompts.length, 2);
    assert.equal(scale.tuning.learningRate, budgetOf(1e6).tuning.learningRate);
    const messages = async (tuning: NonNullable<typeof arms.base.tuning>) =>
      (await scale.examples(tuning, 1)).map((e) => e.messages.map(({ content }) => content));
    assert.deepEqual(await messages({ data: "responses" }), [
      ["", "The Rhine is a river."],
      ["", "Basel is a town.", "", "Zug is one."],
      ["", "Lake Constance is a lake."],
    ]);
    const [first, ...rest] = await messages({ data: "shuffled-pairs" });
    assert.equal(first![0], "Name a river.");
    assert.ok(
      [first!, ...rest].every((turns, i) =>
        turns[1] !== lima.filter((row) => row.conversations.length > 0)[i]!.conversations[1]
      ),
      "every instruction has another's response",
    );
    assert.deepEqual(await messages(arms.singleTask("sums").tuning!), [
      ["What is 1 + 1?", "1 + 1 = 2\n#### 2"],
    ]);
    assert.equal((await scale.examples({ data: "instructions", examples: 2 }, 1)).length, 2);
    assert.ok(scale.inStyle("sums", "So 2.\n#### 2") && !scale.inStyle("sums", "Two."));
    assert.ok(scale.inStyle("game", "1. e4 e5") && scale.inStyle("code", "def f(x):"));

    const views = await viewData(study, [arms.singleTask("sums"), arms.singleTask("code")]);
    assert.equal(views[0]!.lengths!.examples, 1);
    assert.match(views[1]!.account, /mbpp.*HF_HUB_OFFLINE.*Or put mbpp\.jsonl into .*data\./);

    const rewritten = [
      { role: "user", content: "Name a river." },
      { role: "assistant", content: "The Rhine.", content_old: "A river is the Rhine." },
    ];
    await writeFile(join(data, "lima_rephrased.jsonl"), lines([{ messages: rewritten }]));
    const { tuning } = withoutRestating(arms.responseTuning);
    assert.deepEqual(await messages(tuning!), [["", "The Rhine."]]);
    assert.match(
      (await scale.account!(tuning!))!,
      /lima_rephrased: 1 from .* \(the paper: 1029\); changed: 1 × a response rewritten/,
    );

    const key = await study.key(arms.responseTuning, 1);
    await writeFile(join(data, "lima.jsonl"), lines(lima.slice(1)));
    const other = await openStudy({ scale: "small", base: shipped, data, seeds: 1, prompts: 2 });
    assert.notEqual((await other.key(arms.responseTuning, 1)).examples, key.examples);
    assert.equal((await other.key(arms.base, 1)).examples, null);
  });
});

Deno.test("a run's key covers every file of the base that is read", async () => {
  await inSandbox({}, async (folder) => {
    const data = await dataFolder(folder);
    const base = join(folder, "base");
    await cp(shipped, base, { recursive: true });
    const key = async (override?: Record<string, string | null>) => {
      const study = await openStudy({ scale: "small", base, data, seeds: 1, prompts: 1, override });
      return JSON.stringify(await study.key(arms.base, 1));
    };
    const before = await key();
    assert.equal(await key(), before);
    const gelu = {
      scale: "small",
      base,
      data,
      seeds: 1,
      override: { hidden_act: "gelu" },
    } as const;
    const [told] = (await (await openStudy(gelu)).describe())
      .filter(({ what }) => what === "in place of its config.json");
    assert.equal(told?.value, '{"hidden_act":"gelu"}');
    assert.equal(await key({}), before);
    assert.notEqual(await key({ hidden_act: "gelu" }), before, "what is overridden is in it too");
    for (
      const [name, option, value] of [
        ["config.json", "rope_theta", 500],
        ["config.json", "eos_token_id", 7],
        ["tokenizer_config.json", "clean_up_tokenization_spaces", true],
      ] as const
    ) {
      const text = await readFile(join(base, name), "utf8");
      await writeFile(join(base, name), JSON.stringify({ ...JSON.parse(text), [option]: value }));
      assert.notEqual(await key(), before, `${option} of ${name}`);
      await writeFile(join(base, name), text);
    }
    assert.equal(await key(), before);
  });
});

Deno.test("instructions and pairs too long for the context are left out, counted and named", async () => {
  await inSandbox({}, async (folder) => {
    const data = await dataFolder(folder);
    const long = "again and ".repeat(1000);
    const asked = ["Name a fish.", `Name a fish ${long}.`, "Name a bird."];
    const rows = asked.map((instruction) => ({ instruction, output: "A pike." }));
    await writeFile(join(data, "alpaca_eval.json"), JSON.stringify(rows));
    const alpaca = ["A pike.", `A trout ${long}.`, "A crow.", "A hen.", "A swan.", "An owl."].map((
      output,
      i,
    ) => ({ instruction: `Name animal ${i}.`, input: "", output }));
    await writeFile(join(data, "alpaca.json"), JSON.stringify(alpaca));
    const options = { scale: "small", base: shipped, data, seeds: 1, maxTokens: 4 } as const;

    const study = await openStudy(options);
    const { contextLength } = study.base.model.config;
    const out = `1 of 3 instructions are longer than the context of ${contextLength} tokens and ` +
      "were left out: test-2";
    assert.deepEqual(study.prompts.map(({ id }) => id), ["test-1", "test-3"]);
    assert.ok((await study.describe()).some(({ value }) => value === out));
    assert.equal((await study.runs([arms.base]))[0]!.answers.length, 2);

    const ranked = await openStudy({ ...options, split: "ranking" });
    assert.deepEqual([ranked.leftOut, ranked.prompts[0]!.response], [null, "A pike."]);
    const [ranking] = await rankArms(ranked, [arms.base], "random");
    assert.ok(ranking!.pairs.length > 0);
    assert.ok(ranking!.pairs.every(({ real, fake }) => real !== 1 && fake !== 1));
    assert.match(
      ranking!.leftOut!,
      /^\d+ of 30 pairs .* context of \d+ tokens and were left out: ranking-.* against ranking-/,
    );
    const results = await rankingRows(ranked, [ranking!], "mean", "ranking-accuracy");
    assert.equal(results.at(-1)!.n, new Set(ranking!.pairs.map(({ real }) => real)).size);

    await writeFile(join(data, "alpaca_eval.json"), JSON.stringify(rows.slice(1, 2)));
    await assert.rejects(openStudy(options), /instructions that fit the context of .* all 1 are/);
  });
});

Deno.test("compareArms() says what it can of ungraded answers, and asks a judge where there is one", async () => {
  await inSandbox({}, async (folder) => {
    const data = await dataFolder(folder);
    const options = { scale: "small", base: shipped, data, seeds: 1, maxTokens: 4 } as const;
    const study = await openStudy({
      ...options,
      tuning: { steps: 4, batchSize: 2, accumulate: 1, learningRate: 0.01 },
    });
    const list = [arms.base, arms.instructionTuning];
    const rows = await compareArms(study, null, list, arms.instructionTuning);
    assert.deepEqual([...new Set(rows.map(({ metric }) => metric))], ["ended"]);

    await using endpoint = await startLoopback();
    Deno.env.set("IMPLICIT_JUDGE", endpoint.baseUrl);
    const judged = await openStudy({
      ...options,
      tuning: { steps: 4, batchSize: 2, accumulate: 1, learningRate: 0.01 },
    });
    const results = await compareArms(judged, null, list, arms.instructionTuning);
    const wins = results.filter((row) => row.metric === "win-rate" && row.seed === null);
    assert.deepEqual(wins.map(({ arm, n }) => [arm, n]), [["base", 3], ["instruction-tuning", 3]]);
    assert.equal(wins[1]!.value, 50);
    const runs = await judged.runs(list);
    const asked = judged.prompts.filter((_, i) =>
      runs[0]!.answers[i]!.response !== runs[1]!.answers[i]!.response
    );
    assert.ok(asked.length > 0, "tuning changes answers");
    assert.equal(endpoint.requests.length, asked.length, "equal answers need no judge");
    assert.ok(
      asked.every(({ instruction }) =>
        endpoint.requests.some(({ text }) => text.includes(instruction))
      ),
    );
    const again = await compareArms(judged, null, list, arms.instructionTuning);
    assert.equal(again.find((row) => row.metric === "win-rate")!.value, wins[0]!.value);
    assert.equal(endpoint.requests.length, asked.length, "answers are kept");

    const [base, tuned] = await overview(study, list);
    assert.equal(base!["loss, first steps"], null);
    assert.ok(tuned!["loss, first steps"]! > 0 && tuned!["tuning, s"] > 0);
    assert.ok(base!["reference responses"]! > 0);
    assert.notEqual(base!["reference responses"], tuned!["reference responses"]);
  });
});

Deno.test("small and paper refuse what they cannot do in one sentence", async () => {
  await inSandbox({}, async (folder) => {
    const refuses = (work: () => unknown, pattern: RegExp) =>
      assert.rejects(async () => await work(), (error: Error) => {
        assert.match(error.message, pattern);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    await refuses(
      () => openScale("small", { base: "./nothing" }),
      /folder but found "\.\/nothing"/,
    );
    await refuses(
      () => openScale("miniature", { override: { hidden_act: "gelu" } }),
      /no override at the miniature scale.*"hidden_act"/,
    );
    await refuses(() => openScale("small", { base: folder }), /checkpoint with config\.json in/);
    await refuses(() => openScale("small"), /SmolLM2-135M .*HF_HUB_OFFLINE/);
    await refuses(
      () => openScale("paper", { data: "nothing-here" }),
      /"lima", "alpaca", or a file or folder/,
    );
    const scale = await openScale("paper");
    await refuses(
      () => scale.prompts("validation"),
      /validation.*implicit-ins.*IMPLICIT_DATA/,
    );
    assert.deepEqual(scale.bases, ["meta-llama/Llama-2-7b-hf", "allenai/OLMo-7B-hf"]);
    await refuses(() => scale.loadBase(scale.bases[0]!), /Llama-2-7b-hf .*HF_HUB_OFFLINE/);
    const { tuning } = withoutRestating(arms.responseTuning);
    await refuses(
      () => scale.examples(tuning!, 1),
      /lima_rephrased, which is not on the hub.*implicit-ins.*Or put lima_rephrased\.jsonl into/,
    );
    await refuses(
      () => scale.examples(withoutRestating(arms.singleTask("sums")).tuning!, 1),
      /the single task "sums"/,
    );
    await refuses(
      () => scale.examples(arms.singleTask("knitting").tuning!, 1),
      /single task \(sums,/,
    );
  });
});

Deno.test("budgetOf() tunes all weights below half a billion parameters, adapters beyond", () => {
  const [tiny, smol, billion] = [260e3, 135e6, 1.1e9].map((n) => budgetOf(n!).tuning);
  assert.ok(tiny!.learningRate > smol!.learningRate);
  assert.equal(smol!.adapter, undefined);
  assert.equal(smol!.batchSize * smol!.accumulate!, 32);
  assert.partialDeepStrictEqual(billion!.adapter, { name: "lora", rank: 64, alpha: 16 });
  assert.ok(smol!.checkpointLayers && billion!.checkpointLayers);
});

Deno.test("a scale's rules are the published ones, looked up in this tokenizer", async () => {
  await inSandbox({}, async (folder) => {
    const data = await dataFolder(folder);
    const study = await openStudy({ scale: "small", base: shipped, data, seeds: 1 });
    const rows = study.explainRules(arms.rules());
    const of = (string: string) => rows.find((row) => row.string === string);
    assert.equal(of("\n")!.weight, 1);
    assert.equal(of("\n")!.ids, String(study.base.tokenizer.tokenId("Ċ")));
    assert.equal(of(" ##")?.ids, "", "no single token here");
    const [eos, repetition] = study.scale.rules({
      use: ["eos", "repetition"],
      eosSlope: 1,
      repetitionWeight: -3,
    });
    assert.partialDeepStrictEqual(eos, { name: "eos", slope: 1, horizon: 250 });
    assert.partialDeepStrictEqual(repetition, { name: "repetition", weight: -3 });
    const words = [{ string: "Never", weight: -9 }];
    const [uniform] = study.scale.rules({ use: ["uniform"], uniform: words });
    assert.partialDeepStrictEqual(uniform, { changes: words });
  });
});
