/** What the studies of tuning sets and templates say: how many responses, how long, of what, in which tags. */
import {
  type Finding,
  type Found,
  gap,
  leastSure,
  level,
  said,
  sureOf,
  sureWithin,
} from "../finding.ts";
import type { CellResult } from "../grid.ts";

const PASS = "pass";
const whole = { examples: 960, steps: 60 };
const nothing = { tunedOn: "nothing" };
const responses = { tunedOn: "responses", ...whole };
/** Text that answers nothing. */
const TEXTS = ["ship's log", "encyclopedia", "refrains", "requests"];

function kinds(cells: readonly CellResult[]): Found {
  const of = (factors: Record<string, string | number>) => level(cells, PASS, factors);
  const [none, ten, all] = [of(nothing), of({ ...responses, examples: 10 }), of(responses)];
  const share = 100 * (ten.value - none.value) / (all.value - none.value);
  const texts = TEXTS.map((tunedOn) => of({ ...whole, tunedOn }));
  const best = texts.reduce((a, b) => b.value > a.value ? b : a);
  const more = gap(cells, PASS, responses, { ...whole, tunedOn: best.tunedOn! });
  return {
    sentence:
      `Ten responses bring ${share.toFixed(0)} % of the gain of 960, which pass ${said(all)}; ` +
      `text that answers nothing passes ${said(best)} at best (${best.tunedOn}): ` +
      (more.low > 0 ? "answers are needed." : "any text does."),
    sure: sureOf(more),
  };
}

function together(cells: readonly CellResult[]): Found {
  const half = { examples: 960, steps: 30, tunedOn: "instructions" };
  const mixed = gap(cells, PASS, { ...whole, tunedOn: "a tenth with instructions" }, responses);
  const first = gap(cells, PASS, { ...whole, tunedOn: "responses, then instructions" }, half);
  const adds = [mixed, first].map(({ low }) => low > 0);
  return {
    sentence: `Instructions in a tenth of the examples add ${said(mixed, "")} points to response ` +
      `tuning; response tuning before adds ${said(first, "")} to short instruction tuning: ` +
      (adds.every(Boolean) ? "they add up." : adds.some(Boolean) ? "in part." : "neither adds."),
    sure: adds.every(Boolean)
      ? "clear"
      : leastSure(...[mixed, first].map((one) => one.low > 0 ? "clear" : sureWithin(one, 10))),
  };
}

function curve(cells: readonly CellResult[]): Found {
  const after = (steps: number) => level(cells, PASS, { ...responses, steps });
  const [soon, recipe, long] = [4, 60, 300].map((steps) => after(steps).value.toFixed(0));
  const ranks = gap(cells, "rankMean", { ...responses, steps: 300 }, nothing);
  const falls = gap(cells, PASS, { ...responses, steps: 300 }, responses);
  return {
    sentence: `Response tuning passes ${soon}, ${recipe} and ${long} % after 4, 60 and 300 steps ` +
      `(base: ${level(cells, PASS, nothing).value.toFixed(0)} %); ranking moves by ` +
      `${said(ranks, "")} points. Long tuning ${
        falls.high < 0 ? "harms." : falls.low > 0 ? "helps." : "neither helps nor harms."
      }`,
    sure: falls.high < 0 || falls.low > 0 ? "clear" : sureWithin(falls, 10),
  };
}

/** Tags that are compared; those that pretraining had are no fifth opinion. */
const TAGS = ["semantic", "A and B", "swapped", "newline"];

function templates(cells: readonly CellResult[]): Found {
  const arm = "response tuning";
  const of = (tuned: string, asked: string) => level(cells, PASS, { arm, tuned, asked });
  const bare = (asked: string) => level(cells, PASS, { arm: "base", asked }).value;
  const own = TAGS.map((tags) => of(tags, tags)).sort((a, b) => a.value - b.value);
  const [least, most] = [own[0]!, own.at(-1)!];
  const pairs = TAGS.flatMap((tuned) =>
    TAGS.filter((asked) => asked !== tuned)
      .map((asked) => ({ tuned, asked }))
  );
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const kept = 100 * sum(pairs.map(({ tuned, asked }) => of(tuned, asked).value - bare(asked))) /
    sum(pairs.map(({ asked }) => of(asked, asked).value - bare(asked)));
  const [a, b] = [most, least].map(({ tuned, asked }) => ({ arm, tuned: tuned!, asked: asked! }));
  const apart = gap(cells, PASS, a!, b!);
  return {
    sentence: `In its own tags, whatever they are, response tuning passes ` +
      `${least.value.toFixed(0)} to ${most.value.toFixed(0)} %; in others it keeps ` +
      `${kept.toFixed(0)} % of its gain; in tags that pretraining had it passes ` +
      `${of("semantic", "as in threads").value.toFixed(0)} %.`,
    sure: apart.value > 10 ? sureOf(apart, 10) : sureWithin(apart, 10),
  };
}

const tuningSets = { study: "amount-and-kind", notebook: "11" };

export const amountFindings: readonly Finding[] = [
  { number: 3, ...tuningSets, find: kinds },
  { number: 6, ...tuningSets, find: together },
  { number: 14, ...tuningSets, find: curve },
  { number: 5, study: "templates", notebook: "11", find: templates },
];
