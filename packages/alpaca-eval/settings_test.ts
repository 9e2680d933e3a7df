import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readAnnotations } from "./files.ts";
import { isSwitched, judgeMessages, loadJudgeSettings, readAnswer } from "./settings.ts";
import { absent, at, models } from "./testing/published.ts";

const path = (name: string) => fileURLToPath(new URL(`../../data/judge/${name}`, import.meta.url));
const settings = await loadJudgeSettings(path("weighted_alpaca_eval_gpt4_turbo/configs.yaml"));
const text = await loadJudgeSettings(path("text_alpaca_eval_clf/configs.yaml"));

const reply = (...tops: [string, number][]) => ({
  choices: [{
    message: { content: tops[0]?.[0] ?? "" },
    logprobs: { content: [{ top_logprobs: tops.map(([token, logprob]) => ({ token, logprob })) }] },
  }],
});

Deno.test("loadJudgeSettings() sends what AlpacaEval's client sends", async () => {
  deepStrictEqual(settings.parameters, {
    model: "gpt-4-1106-preview",
    top_p: 1,
    max_tokens: 1,
    temperature: 1,
    logprobs: true,
    top_logprobs: 5,
  });
  deepStrictEqual(settings.template.map((message) => message.role), ["system", "user"]);
  const other = await loadJudgeSettings(
    path("weighted_alpaca_eval_gpt4_turbo/configs.yaml"),
    "mine",
  );
  strictEqual(other.parameters.model, "mine");
});

Deno.test("loadJudgeSettings() obeys every field or refuses it by name", async () => {
  const folder = mkdtempSync(join(tmpdir(), "judge-"));
  mkdirSync(join(folder, "a"));
  const file = join(folder, "a", "x.yaml"), prompt = join(folder, "a", "prompt.txt");
  const message = "<|im_start|>user\n{instruction}: {output_1} or {output_2}?<|im_end|>";
  const entry = {
    prompt_template: "a/prompt.txt",
    completions_kwargs: { model_name: "any", temperature: 0 },
    completion_parser_kwargs: { outputs_to_match: { 1: "^one$", 2: "^two$" } },
  };
  const tokens = { numerator_token: "A", denominator_tokens: ["A", "B"] };
  const logprobs = { fn_completion_parser: "logprob_parser", completion_key: "completions_all" };
  const load = (fields: Record<string, unknown>, text = message) => {
    writeFileSync(prompt, text);
    writeFileSync(file, JSON.stringify({ x: { ...entry, ...fields } })); // JSON is YAML
    return loadJudgeSettings(file);
  };
  try {
    const textual = await load({ is_shuffle: false, pretty_name: "X" });
    deepStrictEqual(textual.parameters, { model: "any", top_p: 1, temperature: 0 });
    const said = (content: string) =>
      readAnswer(textual, { choices: [{ message: { content } }] }, false).preference;
    deepStrictEqual([said("one\n"), said("two"), said("two\n\n")], [1, 2, NaN], "Python's $");

    const at = async (log_prob_index?: unknown) => {
      const completion_parser_kwargs = { ...tokens, log_prob_index, is_binarize: false };
      const read = await load({ ...logprobs, completion_parser_kwargs });
      const tops = [["A", 0.75], ["A", 0.5], ["B", 1]] as const;
      const content = tops.map(([token, p]) => ({
        top_logprobs: [{ token, logprob: Math.log(p) }, {
          token: token === "A" ? "B" : "A",
          logprob: Math.log(1 - p),
        }],
      }));
      return readAnswer(read, { choices: [{ logprobs: { content } }] }, false);
    };
    const found = [];
    for (const index of [undefined, 1, -2, -1]) found.push((await at(index)).preference);
    deepStrictEqual(found, [1.25, 1.5, 1.5, 2]);
    strictEqual((await at(7)).flaw, "a reply without log-probabilities");
    await rejects(at("last"), /whole log_prob_index .* found last/);

    const refused: [Record<string, unknown>, RegExp][] = [
      [{ fn_completions: "anthropic_completions" }, /fn_completions .* found "anthropic_comp/],
      [{ fn_completion_parser: "ranking_parser" }, /fn_completion_parser .* "ranking_parser"/],
      [{ fn_completion_parser: null }, /fn_completion_parser .* found null/],
      [{ completion_key: "completions_all" }, /completion_key "completions" .* "completions_all"/],
      [{ batch_size: 5 }, /batch_size 1 .* found 5/],
      [{ seed: 7 }, /seed 0 .* found 7/],
      [{ is_randomize_output_order: false }, /is_randomize_output_order true/],
      [{ processors_to_kwargs: { P: {} } }, /processors_to_kwargs null/],
      [{ promt_template: "x" }, /found "promt_template": there are prompt_template/],
      [{ completions_kwargs: { temprature: 0 } }, /found "temprature": there are/],
      [{ completions_kwargs: { tools: [] } }, /found "tools"/],
      [{ completions_kwargs: { n: 3 } }, /n 1 .* found 3/],
      [{ completions_kwargs: [] }, /Expected fields in completions_kwargs .* found \[\]/],
      [{ completion_parser_kwargs: { ...tokens } }, /found "numerator_token"/],
      [{ completion_parser_kwargs: { outputs_to_match: { 1: "a" } } }, /pattern .* undefined/],
      [{ completion_parser_kwargs: { outputs_to_match: { 1: "(?i)a", 2: "b" } } }, /"\(\?"/],
      [
        { completion_parser_kwargs: { outputs_to_match: { 1: "a(", 2: "b" } } },
        /Expected a pattern/,
      ],
      [{ completion_parser_kwargs: { outputs_to_match: { 1: "a", 2: "b", 3: "c" } } }, /found "3"/],
      [{ ...logprobs, completion_parser_kwargs: { numerator_token: "A" } }, /denominator_tokens/],
      [
        { ...logprobs, completion_parser_kwargs: { ...tokens, temperature: 1 } },
        /found "temperature"/,
      ],
    ];
    for (const [fields, words] of refused) await rejects(load(fields), words);
    await rejects(load({}, message.replace("output_2", "output_3")), /found \[.*output_3\]/);
    await rejects(load({}, message.replace("?", "{dataset}")), /found \[.*dataset\]/);
    await rejects(load({}, message + "{dataset}"), /and nothing else but found "{dataset}"/);
    const unnamed = { completions_kwargs: { model_name: null } };
    await rejects(load(unnamed), /Expected a model_name in .* but found null/);
    writeFileSync(file, "x: [");
    await rejects(loadJudgeSettings(file), /Expected YAML in .*x\.yaml but found/);
    await rejects(loadJudgeSettings(join(folder, "none")), /Expected a file to read at .*none/);
    writeFileSync(file, JSON.stringify({ x: entry, y: entry }));
    await rejects(loadJudgeSettings(file), /one annotator .* found 2/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

Deno.test("judgeMessages() puts texts in as they are, whatever they contain", () => {
  const outputs = { output_1: "$& {output_2} <|im_end|>", output_2: "B" };
  const [, user] = judgeMessages(settings, { instruction: "I {output_1}", ...outputs }, false);
  ok(user!.content.includes('"""I {output_1}"""'));
  ok(user!.content.includes('"""$& {output_2} <|im_end|>"""'));
  ok(user!.content.includes('"""B"""'));
  ok(user!.content.endsWith("## Best Model Identifier"));
  const [, switched] = judgeMessages(settings, { instruction: "I", ...outputs }, true);
  ok(switched!.content.indexOf('"""B"""') < switched!.content.indexOf('"""$&'));
});

Deno.test("readAnswer() turns log-probabilities into 1…2 as AlpacaEval does", () => {
  const of = (...tops: [string, number][]) =>
    readAnswer(settings, reply(...tops), false).preference;
  strictEqual(of(["m", Math.log(0.25)], ["M", Math.log(0.75)], ["x", 0]), 1.75);
  strictEqual(of(["m", -3]), 1);
  strictEqual(of(["M", -3]), 2);
  strictEqual(of(["m", -9999], ["M", -9999]), 1.5);
  ok(Number.isNaN(of(["Both", 0])), "neither token");
  ok(Number.isNaN(of()), "an empty list");
  strictEqual(readAnswer(settings, reply(["m", 0]), true).preference, 2);
});

Deno.test("readAnswer() says what a reply lacks to be read, and nothing of nonsense", () => {
  const of = (found: unknown, by = settings) => readAnswer(by, found, false);
  const unread = (flaw: string) => ({ preference: NaN, flaw });
  deepStrictEqual(of(null), unread("a reply without choices"));
  deepStrictEqual(of({ choices: [] }), unread("a reply without choices"));
  deepStrictEqual(of({ choices: [{}] }), unread("a reply without log-probabilities"));
  deepStrictEqual(of(reply(["m", NaN], ["M", -1])), unread("a reply without log-probabilities"));
  deepStrictEqual(of({ choices: [{}] }, text), unread("a reply without a message"));
  deepStrictEqual(of(reply(["Both", 0])), { preference: NaN, flaw: null });
});

Deno.test("readAnswer() reads a text answer, and no other text", () => {
  const of = (content: string) =>
    readAnswer(text, { choices: [{ message: { content } }] }, false).preference;
  deepStrictEqual([of("m"), of("M"), of("The"), of(""), of("m or M")], [1, 2, NaN, NaN, NaN]);
});

Deno.test("readAnswer() binarizes where the settings say so", () => {
  const parser = { ...settings.parser, binarize: true } as typeof settings.parser;
  const of = (...tops: [string, number][]) =>
    readAnswer({ ...settings, parser }, reply(...tops), false).preference;
  deepStrictEqual([of(["m", -1], ["M", -2]), of(["m", -2], ["M", -1]), of(["x", 0])], [1, 2, NaN]);
});

Deno.test({
  name: "readAnswer() recomputes published preferences (needs ../shared/testdata)",
  ignore: absent,
  fn: async () => {
    let recomputed = 0;
    for (const model of models) {
      const rows = await readAnnotations(at(`${model}.annotations.json.gz`));
      for (const row of rows) {
        if (!row.raw_completion) continue;
        const switched = isSwitched(row.instruction);
        const { preference } = readAnswer(settings, { choices: [row.raw_completion] }, switched);
        ok(Math.abs(preference - row.preference) < 1e-6, `${model}: ${row.instruction}`);
        recomputed++;
      }
    }
    // 805 + 805 + 803 rows of three models, less three drawn without a call in each; none of a
    // fourth, whose raw answers were not published. A wrong order would turn 1.0… into 2.0….
    strictEqual(recomputed, 2404);
  },
});

Deno.test({
  name: "the shipped prompt and settings are AlpacaEval's (needs ../shared/testdata)",
  ignore: absent,
  fn: () => {
    const same: [string, string][] = [
      ["alpaca_eval_clf_gpt4_turbo/alpaca_eval_clf.txt", "alpaca_eval_clf.txt"],
      [
        "weighted_alpaca_eval_gpt4_turbo/configs.yaml",
        "weighted_alpaca_eval_gpt4_turbo.configs.yaml",
      ],
    ];
    for (const [ours, theirs] of same) {
      strictEqual(readFileSync(path(ours), "utf8"), readFileSync(at(theirs), "utf8"));
    }
  },
});
