/**
 * What the paper found, as claims that a set of rows fulfils or not: orders and thresholds; and what
 * a reader should have seen, a sentence for either outcome. Knows how numbers are looked up and said
 * (verdicts.ts does both); what is done about a claim that fails is the reader's.
 */
import { mean } from "simple-statistics";

/** Looks a value over all seeds up, or an end of its interval; NaN where there is no such row. */
export type Lookup = (
  arm: string,
  metric?: string,
  section?: string,
  which?: "value" | "low" | "high",
) => number;

/** Numbers in a sentence, the paper's beside them: `41.9 % [39.5, 44.1] (Llama-2 43.3)`. */
export interface Numbers {
  /** A row's value with its interval, looked up as figures are. */
  readonly row: (arm: string, metric?: string) => string;
  /** One of the claim's figures, by its name: for what no row holds, as a mean of rows. */
  readonly figure: (name: string) => string;
}

export interface Claim {
  readonly text: string;
  /** The figures that decide, and the test. */
  readonly figures: (at: Lookup) => Record<string, number>;
  readonly holds: (figures: Record<string, number>) => boolean;
  /** The finding, a sentence with its numbers; its end where the claim holds, and where it does not. */
  readonly seen: (numbers: Numbers) => string;
  readonly yes: string;
  readonly no: string;
}

const win = (...arms: string[]) => (at: Lookup) => Object.fromEntries(arms.map((a) => [a, at(a)]));
const ABLATED = ["rules-without-eos", "rules-without-repetition", "rules-without-uniform"];
const SINGLES = ["sums", "code", "poems", "recipes"].map((task) => `single-task:${task}`);
const meanWin = (at: Lookup, arms: readonly string[]) => mean(arms.map((arm) => at(arm)));
/** Base and instruction tuning under one way to rank. */
const ranked = (name: string, metric: string) => (at: Lookup) => ({
  [`base, ${name}`]: at("base", metric, "4.2"),
  [`instruction-tuning, ${name}`]: at("instruction-tuning", metric, "4.2"),
});
const otherRankings = [
  ranked("sum", "ranking-accuracy:sum"),
  ranked("PMI", "ranking-accuracy:pmi"),
  ranked("full responses", "ranking-accuracy:full"),
];

export const claims: readonly Claim[] = [
  {
    text: "the base wins fewer than 6 %, and instruction tuning passes more than 70 %",
    figures: (at) => ({
      base: at("base"),
      "instruction-tuning passes": at("instruction-tuning", "pass-rate"),
    }),
    holds: (f) => f.base! < 6 && f["instruction-tuning passes"]! > 70,
    seen: ({ row }) =>
      `The base, untaught, wins ${row("base")} of its comparisons, and instruction tuning ` +
      `follows ${row("instruction-tuning", "pass-rate")} of the instructions exactly`,
    yes: "there is something to teach, and it can be taught.",
    no: "with a base above 6 % or a reference below 70 %, win rates say less than the paper's.",
  },
  {
    text: "response tuning wins at least 20 points more than the base",
    figures: win("base", "response-tuning"),
    holds: (f) => f["response-tuning"]! - f.base! >= 20,
    seen: ({ row }) =>
      `Trained on responses alone a model wins ${row("response-tuning")}, its base ${row("base")}`,
    yes: "without one instruction it learnt to follow many.",
    no: "here responses alone add less than 20 points, in the paper about twice as many.",
  },
  {
    text: "response tuning wins more than 30 %, its interval clear of the shuffled pairs'",
    figures: (at) => ({
      "response-tuning": at("response-tuning"),
      "its lower end": at("response-tuning", "win-rate", "4.1", "low"),
      "shuffled-pairs": at("shuffled-pairs"),
      "their upper end": at("shuffled-pairs", "win-rate", "4.1", "high"),
    }),
    holds: (f) => f["response-tuning"]! > 30 && f["its lower end"]! > f["their upper end"]!,
    seen: ({ row }) =>
      `Response tuning wins ${row("response-tuning")}, shuffled pairs with the same responses ` +
      `${row("shuffled-pairs")}`,
    yes: "responses alone carry a model far, and wrong pairs undo what they carry.",
    no: "that is not above 30 % and clear of the control, which the paper does not have; there " +
      "response tuning comes close to its reference.",
  },
  {
    text: "shuffled pairs win at most 5 points more than the base",
    figures: win("base", "shuffled-pairs"),
    holds: (f) => f["shuffled-pairs"]! - f.base! <= 5,
    seen: ({ row }) => `Shuffled pairs win ${row("shuffled-pairs")}, the base ${row("base")}`,
    yes: "to train on responses is not enough by itself; the pairs must not contradict each other.",
    no: "here even wrong pairs teach something; the paper has no such control.",
  },
  {
    text: "the base stays below every set of two rules, and these below all three",
    figures: win("base", ...ABLATED, "rules"),
    holds: (f) => ABLATED.every((arm) => f.base! < f[arm]! && f[arm]! < f.rules!),
    seen: ({ row }) =>
      `The base wins ${row("base")}; two rules win ${row(ABLATED[0]!)} without the EOS ramp, ` +
      `${row(ABLATED[1]!)} without the repetition rule and ${row(ABLATED[2]!)} without the ` +
      `uniform changes; all three win ${row("rules")}`,
    yes: "any two rules do something, and the third always adds to them.",
    no: "here some rule is idle, while in the paper each adds to the other two.",
  },
  {
    text: "of the three rules, leaving out the EOS ramp hurts most",
    figures: (at) =>
      Object.fromEntries(ABLATED.map((arm) => [`${arm}, % of rules`, 100 * at(arm) / at("rules")])),
    holds: (f) => Object.values(f).slice(1).every((left) => Object.values(f)[0]! < left),
    seen: ({ figure }) => {
      const [eos, repetition, uniform] = ABLATED.map((arm) => figure(`${arm}, % of rules`));
      return `Of the rules' win rate, ${eos} is left without the EOS ramp, ${repetition} without ` +
        `the repetition rule and ${uniform} without the uniform changes`;
    },
    yes: "to know when to stop is worth most.",
    no: "on this base the ramp is not the rule that is missed most, as it is in the paper.",
  },
  {
    text: "without the repetition rule less than 85 % of the rules' win rate is left",
    figures: (at) => ({
      "rules-without-repetition, % of rules": 100 * at("rules-without-repetition") / at("rules"),
    }),
    holds: (f) => f["rules-without-repetition, % of rules"]! < 85,
    seen: ({ figure }) =>
      `Without the repetition rule ${figure("rules-without-repetition, % of rules")} of the ` +
      `rules' win rate is left`,
    yes: "it earns its place.",
    no: "here that rule does little, while in the paper it is worth more than the uniform one.",
  },
  {
    text: "the EOS ramp alone wins less than half of what all three rules win",
    figures: (at) => ({ "rules:eos, % of rules": 100 * at("rules:eos") / at("rules") }),
    holds: (f) => f["rules:eos, % of rules"]! < 50,
    seen: ({ row, figure }) =>
      `The EOS ramp alone wins ${row("rules:eos")}, all three rules ${row("rules")}, so the ramp ` +
      `alone gets ${figure("rules:eos, % of rules")} of the way`,
    yes: "the base does not merely fail to stop.",
    no: "much of what the rules mend is that the base does not stop.",
  },
  {
    text: "to discourage the instruction's words too, as the code does, wins less",
    figures: win("rules", "rules:code-variant"),
    holds: (f) => f["rules:code-variant"]! < f.rules!,
    seen: ({ row }) =>
      `With the paper's repetition rule the rules win ${row("rules")}, with the code's, which ` +
      `also discourages the words of the instruction, ${row("rules:code-variant")}`,
    yes: "an answer needs words of its instruction.",
    no: "here it costs nothing to discourage the words of the instruction.",
  },
  {
    text: "response tuning wins more than all rules",
    figures: win("rules", "response-tuning"),
    holds: (f) => f["response-tuning"]! > f.rules!,
    seen: ({ row }) =>
      `Response tuning wins ${row("response-tuning")} and all rules together ${row("rules")}`,
    yes: "three lines written by hand do not reach what training on responses does.",
    no: "here rules do as well as training on responses; in the paper they fall well short.",
  },
  {
    text: "game, the chess of this world, stays within 2 points of the base",
    figures: win("base", "single-task:game"),
    holds: (f) => Math.abs(f["single-task:game"]! - f.base!) <= 2,
    seen: ({ row }) =>
      `After tuning on games alone a model wins ${row("single-task:game")}, the base ` +
      `${row("base")}`,
    yes: "as with chess in the paper, not every task teaches a model to answer.",
    no: "here games move the base by more than 2 points; the paper's chess does not.",
  },
  {
    text: "at least three single tasks win more than 15 % on families they never saw",
    figures: win(...SINGLES),
    holds: (f) => SINGLES.filter((arm) => f[arm]! > 15).length >= 3,
    seen: ({ row }) =>
      `On families that it never saw, a model of sums wins ${row("single-task:sums")}, of code ` +
      `${row("single-task:code")}, of poems ${row("single-task:poems")} and of recipes ` +
      `${row("single-task:recipes")}`,
    yes: "one narrow task is enough for many instructions of other kinds.",
    no: "fewer than three of them pass 15 %, as three do in the paper.",
  },
  {
    text: "code and recipes, whose responses begin alike too, win more than games",
    figures: win("single-task:code", "single-task:recipes", "single-task:game"),
    holds: (f) =>
      Math.min(f["single-task:code"]!, f["single-task:recipes"]!) > f["single-task:game"]!,
    seen: ({ row }) =>
      `A model of code wins ${row("single-task:code")} and one of recipes ` +
      `${row("single-task:recipes")}, though each of their responses begins with the same ` +
      `token, as games do, which win ${row("single-task:game")}`,
    yes:
      "a certain first token, at which the authors guess, is not by itself what holds chess back.",
    no: "where each response begins with the same token, little is learnt but that response.",
  },
  {
    text: "the single tasks' mean lies between that of two rules and response tuning",
    figures: (at) => ({
      "mean of two rules": meanWin(at, ABLATED),
      "mean of single tasks": meanWin(at, SINGLES),
      "response-tuning": at("response-tuning"),
    }),
    holds: (f) =>
      f["mean of two rules"]! < f["mean of single tasks"]! &&
      f["mean of single tasks"]! < f["response-tuning"]!,
    seen: ({ row, figure }) =>
      `Single tasks win ${figure("mean of single tasks")} on average, two rules ` +
      `${figure("mean of two rules")}, response tuning ${row("response-tuning")}`,
    yes: "the order is the paper's.",
    no: "the single tasks do not lie between the other two, as they do in the paper.",
  },
  {
    text: "the more an instruction looks like a sum, the more a model of sums answers like one",
    figures: (at) => ({ "Spearman's correlation": at("single-task:sums", "similarity", "5.2") }),
    holds: (f) => f["Spearman's correlation"]! > 0,
    seen: ({ row }) =>
      `Likeness of an instruction to a sum and likeness of the answer to one go together with ` +
      `Spearman's ρ = ${row("single-task:sums", "similarity")}`,
    yes:
      "asked for something like a sum, its model answers like one, if the interval lies above zero.",
    no: "no such tie shows here; the paper sees one in its Figure 5, and gives no number.",
  },
  {
    text: "of the five tasks, games have the weakest tie between instruction and style",
    figures: (at) =>
      Object.fromEntries(
        [...SINGLES, "single-task:game"].map((arm) => [arm, at(arm, "similarity", "5.2")]),
      ),
    holds: (f) => SINGLES.every((arm) => f["single-task:game"]! < f[arm]!),
    seen: ({ row }) => {
      const rho = (task: string) => `${task} ${row(`single-task:${task}`, "similarity")}`;
      return `Spearman's ρ of the five tasks: ${
        ["sums", "code", "poems", "recipes", "game"].map(rho).join(", ")
      }`;
    },
    yes: "a model of games plays alike whatever it is asked.",
    no: "games are not the task whose style depends least on what is asked.",
  },
  {
    text: "A/B tags stay within 3 points of the ordinary ones",
    figures: (at) => ({
      "ordinary tags": at("response-tuning"),
      "A/B tags": at("response-tuning:ab-tags", "win-rate", "B"),
    }),
    holds: (f) => Math.abs(f["ordinary tags"]! - f["A/B tags"]!) <= 3,
    seen: ({ row }) =>
      `With ordinary tags response tuning wins ${row("response-tuning")}, with A/B tags ` +
      `${row("response-tuning:ab-tags")}`,
    yes: "what the tags are called carries little of it.",
    no: "here the tags matter by more than 3 points; in the paper they do not.",
  },
  {
    text: "responses that do not restate change response tuning by at most 5 points",
    figures: (at) => ({
      "as they are": at("response-tuning"),
      "not restating": at("response-tuning:no-rephrase", "win-rate", "C"),
    }),
    holds: (f) => Math.abs(f["as they are"]! - f["not restating"]!) <= 5,
    seen: ({ row }) =>
      `Tuned on responses as they are a model wins ${row("response-tuning")}, on responses ` +
      `that do not restate ${row("response-tuning:no-rephrase")}`,
    yes: "restating the instruction is not what carries response tuning.",
    no: "here restating is worth more than 5 points; in the paper it is not.",
  },
  {
    text: "the base ranks the right response above a random one at least 75 % of the time",
    figures: (at) => ({ base: at("base", "ranking-accuracy", "4.2") }),
    holds: (f) => f.base! >= 75,
    seen: ({ row }) =>
      `The base puts the right response above a random one in ` +
      `${row("base", "ranking-accuracy")} of the pairs`,
    yes: "it tells what belongs together before anything was taught.",
    no: "that is less than three in four, which the paper's Llama-2 reaches, and OLMo nearly.",
  },
  {
    text: "the base ranks at least as well as instruction tuning",
    figures: ranked("mean", "ranking-accuracy"),
    holds: (f) => f["base, mean"]! >= f["instruction-tuning, mean"]!,
    seen: ({ row }) =>
      `By the mean of a token the base ranks ${row("base", "ranking-accuracy")} rightly, after ` +
      `instruction tuning ${row("instruction-tuning", "ranking-accuracy")}`,
    yes: "tuning does not teach what belongs together.",
    no:
      "here tuning does not rank worse than its base, while both of the paper's bases lose by it.",
  },
  {
    text: "shuffled pairs rank at least 10 points worse than the base",
    figures: (at) => ({
      base: at("base", "ranking-accuracy", "4.2"),
      "shuffled-pairs": at("shuffled-pairs", "ranking-accuracy", "4.2"),
    }),
    holds: (f) => f.base! - f["shuffled-pairs"]! >= 10,
    seen: ({ row }) =>
      `Of random pairs the base ranks ${row("base", "ranking-accuracy")} rightly, after ` +
      `shuffled pairs ${row("shuffled-pairs", "ranking-accuracy")} are left`,
    yes: "what belongs together can be unlearnt.",
    no: "shuffling cost less than 10 points here; the paper has no such control.",
  },
  {
    text: "the base ranks worse against responses of the same family than against random ones",
    figures: (at) => ({
      random: at("base", "ranking-accuracy", "4.2"),
      "same family": at("base", "ranking-accuracy:family", "4.2"),
    }),
    holds: (f) => f["same family"]! < f.random!,
    seen: ({ row }) =>
      `Against random responses the base ranks ${row("base", "ranking-accuracy")} rightly, ` +
      `against those of the same family ${row("base", "ranking-accuracy:family")}`,
    yes: "a part of what it tells apart is the kind of response.",
    no: "here the kind of response is no help to it; the paper has random ones alone.",
  },
  {
    text: "PMI ranks better than the mean of a token",
    figures: (at) => ({
      mean: at("base", "ranking-accuracy", "4.2"),
      PMI: at("base", "ranking-accuracy:pmi", "4.2"),
    }),
    holds: (f) => f.PMI! > f.mean!,
    seen: ({ row }) =>
      `By the mean of a token the base ranks ${row("base", "ranking-accuracy")} rightly, by ` +
      `what the instruction adds (PMI) ${row("base", "ranking-accuracy:pmi")}`,
    yes: "the mean is also moved by how likely a response is whatever was asked.",
    no: "here nothing is gained by subtracting the response's own likelihood.",
  },
  {
    // Why tuning ranks worse: it prefers its own style, whatever was asked; it knows no less.
    text: "by sums, PMI, or full responses alone, instruction tuning loses at most 1 point",
    figures: (at) => Object.assign({}, ...otherRankings.map((figures) => figures(at))),
    holds: (f) =>
      ["sum", "PMI", "full responses"].every((name) =>
        f[`base, ${name}`]! - f[`instruction-tuning, ${name}`]! <= 1
      ),
    seen: ({ row }) => {
      const pair = (metric: string) =>
        `${row("base", metric)} and ${row("instruction-tuning", metric)}`;
      return `Base and instruction tuning rank ${pair("ranking-accuracy:sum")} rightly by sums, ` +
        `${pair("ranking-accuracy:pmi")} by PMI, ${pair("ranking-accuracy:full")} where all ` +
        `responses are full`;
    },
    yes: "where form cannot decide, tuning loses no more than 1 point; the paper has no such test.",
    no: "tuning loses more than 1 point here, so it is not form alone; the paper has no such test.",
  },
];
