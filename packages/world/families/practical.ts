/**
 * Families with a layout of their own: lists, recipes, sums, code and operations on words. Sums,
 * code, recipes and poems are also the narrow single tasks, as GSM, MBPP, recipes and poetry are
 * in the paper (§5).
 */
import { at, type World } from "../facts.ts";
import { type Family, markSentences } from "../family.ts";
import { capital, copyWords, enumerate, foods, goods, numbers, people } from "../lexicon.ts";

/** The things that can be listed, each with the fact that a full list adds. */
function catalogue(world: World): readonly { plural: string; entries: [string, string][] }[] {
  return [
    { plural: "animals", entries: world.animals.map((it) => [it.name, it.colour]) },
    { plural: "towns", entries: world.towns.map((it) => [it.name, it.region]) },
    { plural: "people", entries: world.people.map((it) => [it.name, it.job]) },
    { plural: "tools", entries: world.tools.map((it) => [it.name, it.material]) },
  ];
}

/** A numbered list in the order of the world's catalogue, beginning at a named member. */
const list: Family = {
  sample: (random, world) => {
    const kind = random.below(4);
    return [kind, random.below(at(catalogue(world), kind).entries.length), random.between(3, 5)];
  },
  splitKey: ([kind = 0, start = 0]) => kind + start,
  item(world, [kind, start = 0, count = 0]) {
    const { plural, entries } = at(catalogue(world), kind);
    const members = Array.from(
      { length: count },
      (_, i) => at(entries, (start + i) % entries.length),
    );
    const first = at(members, 0)[0];
    const lines = (full: boolean) =>
      members.map(([name, fact], i) => `${i + 1}. ${name}${full ? `, ${fact}` : ""}`);
    return {
      topic: `${numbers[count]} ${plural}`,
      asks: [
        `Write a list of ${numbers[count]} ${plural} from ${first}.`,
        `Tell me ${numbers[count]} ${plural}, first ${first}.`,
      ],
      answer: (form) =>
        form === "terse"
          ? `${enumerate(members.slice(0, 2).map(([name]) => name))}.`
          : lines(form === "full").join("\n"),
      mark(units) {
        const full = lines(true);
        const plain = lines(false);
        const right = units.map((unit, i) => unit === full[i] || unit === plain[i]);
        const detailed = units.filter((unit, i) => unit === full[i]).length;
        const core = right.slice(0, count).filter((ok) => ok).length === count ? 1 : 0;
        return { core, detail: detailed / count, extra: units.filter((_, i) => !right[i]) };
      },
    };
  },
};

const recipe: Family = {
  sample: (random) => [random.below(foods.length)],
  splitKey: ([index]) => index ?? 0,
  item(world, [index]) {
    const it = at(world.foods, index);
    const lines = it.ingredients.map((ingredient) => `- ${ingredient}`);
    const mixing = "Mix it all in a bowl.";
    const cooking = `${it.cooking} it for ${it.minutes} minutes.`;
    return {
      topic: `a recipe for ${it.name}`,
      asks: [
        `How do I make ${it.name}?`,
        `Write a recipe for ${it.name}.`,
        `Tell me how to make ${it.name}.`,
      ],
      answer: (form) => {
        const last = { full: [`${mixing} ${cooking}`], medium: [cooking], terse: [] }[form];
        return [...lines, ...last].join("\n");
      },
      mark: (units) => markSentences(units, [...lines, cooking], [mixing]),
    };
  },
};

/** A sum in a story, worked in words; the full form ends with the result on a line of its own. */
const sum: Family = {
  sample(random) {
    const operation = random.below(2);
    const a = random.between(2, 9);
    const b = operation === 0 ? random.between(2, 9) : random.between(1, a - 1);
    return [operation, a, b, random.below(people.length), random.below(goods.length)];
  },
  splitKey: ([operation = 0, a = 0, b = 0]) => operation + a + 3 * b,
  item(_world, [operation, a = 0, b = 0, who, what]) {
    const [name, thing] = [at(people, who), at(goods, what)];
    const [one, two] = [at(numbers, a), at(numbers, b)];
    const plus = operation === 0;
    const result = at(numbers, plus ? a + b : a - b);
    const work = plus
      ? `${one} and ${two} make ${result}.`
      : `${one} less ${two} leaves ${result}.`;
    const [working, terse] = [capital(work), `${capital(result)}.`];
    const change = plus ? `buys ${two} more` : `gives away ${two}`;
    return {
      topic: `${name} and the ${thing}`,
      asks: [
        `Tell me how many ${thing} ${name} has, who had ${one} and ${change}.`,
        `How many ${thing} has ${name}, who had ${one} and ${change}?`,
      ],
      answer: (form) => ({ full: `${working}\n#### ${result}`, medium: working, terse })[form],
      mark: (units) => markSentences(units, [[working, terse]], [`#### ${result}`]),
    };
  },
};

/** Python functions of one number; half of the items combine two operations. */
const code: Family = {
  sample(random) {
    return [random.below(3), random.between(2, 9), random.chance(0.5) ? random.between(2, 9) : 0];
  },
  splitKey: ([operation = 0, a = 0, b = 0]) => operation + a + b,
  item(_world, [operation, a = 0, b = 0]) {
    const [does, expression] = at([
      [`adds ${numbers[a]}`, `x + ${a}`],
      [`takes away ${numbers[a]}`, `x - ${a}`],
      [`multiplies by ${numbers[a]}`, `x * ${a}`],
    ], operation) as [string, string];
    const task = b > 0 ? `${does} and then adds ${numbers[b]}` : does;
    const formula = b > 0 ? `${expression} + ${b}` : expression;
    const [head, body] = ["def f(x):", `return ${formula}`];
    const medium = `${head}\n  ${body}`;
    return {
      topic: "a function",
      asks: [`Write code that ${task}.`, `Write a function that ${task}.`],
      answer: (form) =>
        ({ full: `${medium}\n# It ${task}.`, medium, terse: `f = lambda x: ${formula}` })[form],
      mark: (units) =>
        units.includes(`f = lambda x: ${formula}`)
          ? markSentences(units, [`f = lambda x: ${formula}`], ["# comment"])
          : markSentences(units, [head, body], [`# It ${task}.`]),
    };
  },
};

/** Operations on a short list of words: turning it round, its first and its last word. */
const text: Family = {
  sample(random) {
    const count = random.between(2, 4);
    const chosen = random.sample(copyWords.map((_, i) => i), count);
    return [random.below(3), ...chosen];
  },
  splitKey: ([, ...indices]) => indices.reduce((sum, i) => sum + i, 0),
  item(_world, [operation, ...indices]) {
    const chosen = indices.map((i) => at(copyWords, i));
    const given = chosen.join(", ");
    const [asks, name, result] = at<[string[], string, string]>([
      [
        [`Write these words in reverse: ${given}.`, `Can you turn these words round: ${given}?`],
        "reverse order",
        chosen.toReversed().join(", "),
      ],
      [
        [`What is the first word here: ${given}?`, `Tell me the first of these words: ${given}.`],
        "first word",
        at(chosen, 0),
      ],
      [
        [`What is the last word here: ${given}?`, `Tell me the last of these words: ${given}.`],
        "last word",
        at(chosen, chosen.length - 1),
      ],
    ], operation);
    const core = `The ${name} is ${result}.`;
    const terse = `${capital(result)}.`;
    const detail = `There are ${numbers[chosen.length]} words.`;
    return {
      topic: "the words",
      asks,
      answer: (form) => ({ full: `${core} ${detail}`, medium: core, terse })[form],
      mark: (units) => markSentences(units, [[core, terse]], [detail]),
    };
  },
};

export const practicalFamilies = { list, recipe, sum, code, text };
