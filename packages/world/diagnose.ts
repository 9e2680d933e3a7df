/**
 * What a base does when it is asked in a template it has never seen: whether it would answer, end
 * and not repeat itself, with and without rules. Seen in a minute, before any arm is run: a base
 * that never loops cannot show what a repetition rule is for. It knows nothing of what rules are.
 */
import type { Decoder, LogitsProcessor, Tokenizer } from "@implicit/decoder";
import { at, type World } from "./facts.ts";
import { familyNamed } from "./families.ts";
import { forms } from "./family.ts";
import { grade } from "./grade.ts";
import { Random } from "./random.ts";
import type { Task } from "./tasks.ts";
import { chatter } from "./threads.ts";
import { unitsOf } from "./units.ts";

/** What is asked, and how. */
export interface DiagnosisOptions {
  readonly tasks: readonly Task[];
  /** Puts an instruction into the chat template. */
  readonly prompt: (instruction: string) => string;
  /** Sets of rules by name, each as processors of the logits; none for the base alone. */
  readonly rules: Readonly<Record<string, readonly LogitsProcessor[]>>;
  /** The words that the uniform rule makes less likely. */
  readonly named: readonly string[];
  /** Greedy answers are cut after so many tokens. */
  readonly maxTokens: number;
}

/** Means over instructions, each 0…1; NaN where no instruction has such a figure. */
export interface Figures {
  /** Of the first token: the mass on what begins a right answer, and on what begins chatter. */
  readonly opensAnswer: number;
  readonly opensChatter: number;
  /** … and on the words that the uniform rule names. */
  readonly opensNamed: number;
  /** The likeliest first token begins a right answer. */
  readonly answers: number;
  /** Probability that a middle sentence comes again once it has come 1, 2, 3 times. */
  readonly repeats1: number;
  readonly repeats2: number;
  readonly repeats3: number;
  /** Probability that the text ends after a full answer, and in a loop. */
  readonly endsAnswer: number;
  readonly endsLoop: number;
}

/** How the greedy answers under one set of rules come out, as shares. */
export interface Greedy {
  readonly loops: number;
  readonly stops: number;
  readonly passes: number;
}

export interface Diagnosis {
  readonly all: Figures;
  readonly families: Readonly<Record<string, Figures>>;
  readonly greedy: Readonly<Record<string, Greedy>>;
}

/**
 * Diagnoses a base on tasks of a world; the validation split's, since recipes are chosen by it.
 *
 * @example
 * const { all, greedy } = await diagnose(decoder, tokenizer, world, {
 *   tasks: evaluationSet(world, "validation", 192),
 *   prompt: (instruction) => `<|user|>\n${instruction}\n<|assistant|>\n`,
 *   rules: { none: [] }, named: ["I", "We"], maxTokens: 72,
 * });
 * console.log(all.repeats1, greedy.none?.loops);
 */
export async function diagnose(
  decoder: Decoder,
  tokenizer: Tokenizer,
  world: World,
  options: DiagnosisOptions,
): Promise<Diagnosis> {
  const { tasks, maxTokens } = options;
  const openings = await openingFigures(decoder, tokenizer, world, options);
  const boundaries = await boundaryFigures(decoder, tokenizer, options);
  const figures = tasks.map((_, i): Figures => ({ ...at(openings, i), ...at(boundaries, i) }));
  const prompts = tasks.map((task) => tokenizer.encode(options.prompt(task.instruction)));
  const greedy: Record<string, Greedy> = {};
  for (const [name, processors] of Object.entries(options.rules)) {
    const responses = await decoder.generate(prompts, { maxTokens, processors });
    greedy[name] = outcome(
      world,
      tasks,
      responses.map((ids) => ({
        text: tokenizer.decode(ids),
        stopped: ids.length < maxTokens,
      })),
    );
  }
  const names = [...new Set(tasks.map(({ family }) => family))];
  const of = (family: string) => figures.filter((_, i) => tasks[i]?.family === family);
  return {
    all: meanFigures(figures),
    families: Object.fromEntries(names.map((family) => [family, meanFigures(of(family))])),
    greedy,
  };
}

type Opening = Pick<Figures, "opensAnswer" | "opensChatter" | "opensNamed" | "answers">;

/** The first token of each answer: the distribution is read by a processor that changes nothing. */
async function openingFigures(
  decoder: Decoder,
  tokenizer: Tokenizer,
  world: World,
  { tasks, prompt, named }: DiagnosisOptions,
): Promise<Opening[]> {
  const firstOf = (text: string) => tokenizer.encode(text, { special: false })[0] ?? NaN;
  const chatterIds = new Set(chatter.map(firstOf));
  const namedIds = new Set(named.map(firstOf));
  const random = new Random(0);
  const answerIds = tasks.map(({ family, params }) => {
    const item = familyNamed(family).item(world, params);
    return new Set(forms.map((form) => firstOf(item.answer(form, random))));
  });
  const found: Opening[] = [];
  const read: LogitsProcessor = (logits, { row }) => {
    const most = logits.reduce((a, b) => Math.max(a, b));
    const weights = logits.map((logit) => Math.exp(logit - most));
    const total = weights.reduce((a, b) => a + b);
    const mass = (ids: ReadonlySet<number>) =>
      [...ids].reduce((sum, id) => sum + (weights[id] ?? 0), 0) / total;
    const right = at(answerIds, row);
    found[row] = {
      opensAnswer: mass(right),
      opensChatter: mass(chatterIds),
      opensNamed: mass(namedIds),
      answers: right.has(weights.indexOf(1)) ? 1 : 0,
    };
  };
  const prompts = tasks.map((task) => tokenizer.encode(prompt(task.instruction)));
  await decoder.generate(prompts, { maxTokens: 1, processors: [read] });
  return found;
}

type Boundary = Omit<Figures, keyof Opening>;

/** The places between sentences: is the last one said again, does the text end? */
async function boundaryFigures(
  decoder: Decoder,
  tokenizer: Tokenizer,
  { tasks, prompt }: DiagnosisOptions,
): Promise<Boundary[]> {
  const plain = (text: string) => tokenizer.encode(text, { special: false });
  const end = [tokenizer.eosId];
  const places = tasks.map(({ instruction, plainResponse }) => {
    const units = unitsOf(plainResponse);
    const stuck = at(units, Math.min(1, units.length - 1));
    const again = (plainResponse.includes("\n") ? "\n" : " ") + stuck;
    const begun = plainResponse.slice(0, plainResponse.indexOf(stuck)) + stuck;
    const before = tokenizer.encode(prompt(instruction));
    const after = (text: string) => [...before, ...plain(text)];
    return {
      // Answers of one or two sentences have no middle to be stuck in.
      hasMiddle: units.length > 2,
      requests: [
        { prompt: after(begun), response: plain(again) },
        { prompt: after(begun + again), response: plain(again) },
        { prompt: after(begun + again.repeat(2)), response: plain(again) },
        { prompt: after(begun + again.repeat(3)), response: end },
        { prompt: after(plainResponse), response: end },
      ],
    };
  });
  const scores = await decoder.score(places.flatMap(({ requests }) => requests));
  return places.map(({ hasMiddle, requests }, i) => {
    const chance = (which: number) => Math.exp(at(scores, i * requests.length + which).sum);
    const inMiddle = (which: number) => hasMiddle ? chance(which) : NaN;
    return {
      repeats1: inMiddle(0),
      repeats2: inMiddle(1),
      repeats3: inMiddle(2),
      endsLoop: inMiddle(3),
      endsAnswer: chance(4),
    };
  });
}

function outcome(
  world: World,
  tasks: readonly Task[],
  answers: readonly { readonly text: string; readonly stopped: boolean }[],
): Greedy {
  const share = (is: (answer: { text: string; stopped: boolean }, task: Task) => boolean) =>
    answers.filter((answer, i) => is(answer, at(tasks, i))).length / answers.length;
  return {
    loops: share(({ text }) => new Set(unitsOf(text)).size < unitsOf(text).length),
    stops: share(({ stopped }) => stopped),
    passes: share(({ text, stopped }, task) => stopped && grade(world, task, text).passed),
  };
}

function meanFigures(list: readonly Figures[]): Figures {
  const names = Object.keys(at(list, 0)) as (keyof Figures)[];
  const mean = (name: keyof Figures) => {
    const known = list.map((figures) => figures[name]).filter((value) => !Number.isNaN(value));
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  return Object.fromEntries(names.map((name) => [name, mean(name)])) as unknown as Figures;
}
