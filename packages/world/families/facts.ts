/**
 * Families that ask for a fact of the world: animal, town, person, yes/no, comparison, definition
 * and the description of something. The full form adds neighbouring facts to the one asked for.
 */
import { type Animal, at, type Person, type Town, type World } from "../facts.ts";
import { type Family, type Form, type Item, markSentences } from "../family.ts";
import { animals, capital, people, sizes, tools, towns, withArticle } from "../lexicon.ts";

/** An item with one sentence that answers and others that a full answer adds. */
function statement(
  topic: string,
  asks: readonly string[],
  core: string,
  terse: string,
  details: readonly string[],
): Item {
  return {
    topic,
    asks,
    answer: (form: Form) =>
      form === "full" ? [core, ...details].join(" ") : form === "medium" ? core : terse,
    mark: (units) => markSentences(units, [[core, terse]], details),
  };
}

const article = (animal: Animal) => `the ${animal.name}`;
const lives = (animal: Animal) => `lives in the ${animal.home}`;

const animal: Family = {
  sample: (random) => [random.below(animals.length), random.below(3)],
  splitKey: ([index]) => index ?? 0,
  item(world, [index, attribute]) {
    const it = at(world.animals, index);
    const name = article(it);
    if (attribute === 0) {
      return statement(
        name,
        [`What does ${name} eat?`, `Tell me what ${name} eats.`],
        `${capital(name)} eats ${it.diet}.`,
        `${capital(it.diet)}.`,
        [`It is ${it.colour}.`, `Its home is the ${it.home}.`],
      );
    }
    if (attribute === 1) {
      return statement(
        name,
        [`Where does ${name} live?`, `Tell me where ${name} lives.`],
        `${capital(name)} ${lives(it)}.`,
        `In the ${it.home}.`,
        [`It is ${it.colour}.`, `Its food is ${it.diet}.`],
      );
    }
    return statement(
      name,
      [`What colour is ${name}?`, `Tell me the colour of ${name}.`],
      `${capital(name)} is ${it.colour}.`,
      `${capital(it.colour)}.`,
      [`It eats ${it.diet}.`, `Its home is the ${it.home}.`],
    );
  },
};

const lies = (it: Town) => `${it.name} lies in the ${it.region}.`;
const runs = (it: Town) => `The river ${it.river} runs through ${it.name}.`;
const governs = (it: Town) => `The mayor of ${it.name} is ${it.mayor}.`;
const cooks = (it: Town) => `People there like ${it.dish}.`;

const town: Family = {
  sample: (random) => [random.below(towns.length), random.below(3)],
  splitKey: ([index]) => index ?? 0,
  item(world, [index, attribute]) {
    const it = at(world.towns, index);
    if (attribute === 0) {
      return statement(
        it.name,
        [`What river runs through ${it.name}?`, `Tell me the river of ${it.name}.`],
        runs(it),
        `The ${it.river}.`,
        [`It lies in the ${it.region}.`, `Its mayor is ${it.mayor}.`],
      );
    }
    if (attribute === 1) {
      return statement(
        it.name,
        [`Who is the mayor of ${it.name}?`, `Tell me the mayor of ${it.name}.`],
        governs(it),
        `${it.mayor}.`,
        [`It lies in the ${it.region}.`, `Its river is the ${it.river}.`],
      );
    }
    return statement(
      it.name,
      [`Where is ${it.name}?`, `Tell me where ${it.name} lies.`],
      lies(it),
      `In the ${it.region}.`,
      [`Its river is the ${it.river}.`, `The mayor is ${it.mayor}.`],
    );
  },
};

const works = (it: Person) => `${it.name} is ${withArticle(it.job)}.`;
const dwells = (it: Person) => `${it.name} lives in ${it.town}.`;
const keeps = (it: Person) => `${it.name} keeps ${withArticle(it.pet)}.`;

const person: Family = {
  sample: (random) => [random.below(people.length), random.below(3)],
  splitKey: ([index]) => index ?? 0,
  item(world, [index, attribute]) {
    const it = at(world.people, index);
    if (attribute === 0) {
      return statement(
        it.name,
        [`What is the work of ${it.name}?`, `Tell me the work of ${it.name}.`],
        works(it),
        `${capital(withArticle(it.job))}.`,
        [`They live in ${it.town}.`, `Their animal is ${withArticle(it.pet)}.`],
      );
    }
    if (attribute === 1) {
      return statement(
        it.name,
        [`Where does ${it.name} live?`, `Tell me where ${it.name} lives.`],
        dwells(it),
        `In ${it.town}.`,
        [`They keep ${withArticle(it.pet)}.`, `Their work is that of ${withArticle(it.job)}.`],
      );
    }
    return statement(
      it.name,
      [`What animal does ${it.name} keep?`, `Tell me what animal ${it.name} keeps.`],
      keeps(it),
      `${capital(withArticle(it.pet))}.`,
      [`They live in ${it.town}.`, `Their work is that of ${withArticle(it.job)}.`],
    );
  },
};

/** The sentences with which the encyclopedia describes an animal, a town or a person. */
export function portrait(world: World, kind: number, index: number): string[] {
  if (kind === 0) {
    const it = at(world.animals, index);
    return [
      `${capital(article(it))} is ${withArticle(it.temper)} animal.`,
      `It is ${sizes[it.size]} and ${it.colour}.`,
      `Its home is the ${it.home}.`,
      `There it eats ${it.diet}.`,
    ];
  }
  if (kind === 1) {
    const it = at(world.towns, index);
    return [lies(it), `Its river is the ${it.river}.`, `The mayor is ${it.mayor}.`, cooks(it)];
  }
  const it = at(world.people, index);
  return [works(it), `They live in ${it.town}.`, `Their animal is ${withArticle(it.pet)}.`];
}

const kinds = [animals, towns, people] as const;

const describe: Family = {
  sample(random) {
    const kind = random.below(3);
    return [kind, random.below(at(kinds, kind).length)];
  },
  splitKey: ([, index]) => index ?? 0,
  item(world, [kind = 0, index = 0]) {
    const sentences = portrait(world, kind, index);
    const word = at(at(kinds, kind), index);
    const name = kind === 0 ? `the ${word}` : word;
    const [first, ...rest] = sentences as [string, ...string[]];
    return {
      topic: name,
      asks: [`Tell me about ${name}.`, `Write something about ${name}.`],
      answer: (form) => sentences.slice(0, { full: 4, medium: 2, terse: 1 }[form]).join(" "),
      mark: (units) => markSentences(units, [first], rest),
    };
  },
};

const yesno: Family = {
  sample(random, world) {
    const index = random.below(animals.length);
    const other = random.chance(0.5) ? index : random.below(world.animals.length);
    return [index, random.below(2), other];
  },
  splitKey: ([index]) => index ?? 0,
  item(world, [index, attribute, other]) {
    const it = at(world.animals, index);
    const asked = at(world.animals, other);
    const name = article(it);
    const eats = `${name} eats ${it.diet}.`;
    const dwelling = `${name} ${lives(it)}.`;
    const right = attribute === 0 ? it.diet === asked.diet : it.home === asked.home;
    const word = right ? "Yes" : "No";
    return statement(
      name,
      attribute === 0
        ? [`Is it true that ${name} eats ${asked.diet}?`, `Can ${name} eat ${asked.diet}?`]
        : [
          `Is it true that ${name} ${lives(asked)}?`,
          `Is the ${asked.home} the home of ${name}?`,
        ],
      `${word}, ${attribute === 0 ? eats : dwelling}`,
      `${word}.`,
      [
        `It is ${it.colour}.`,
        attribute === 0 ? `Its home is the ${it.home}.` : `Its food is ${it.diet}.`,
      ],
    );
  },
};

const compare: Family = {
  sample(random, world) {
    for (;;) {
      const [a, b] = [random.below(animals.length), random.below(animals.length)];
      if (at(world.animals, a).size !== at(world.animals, b).size) return [a, b, random.below(2)];
    }
  },
  splitKey: ([a = 0, b = 0]) => a + b,
  item(world, [a, b, direction]) {
    const [one, two] = [at(world.animals, a), at(world.animals, b)];
    const [small, large] = one.size < two.size ? [one, two] : [two, one];
    const [winner, loser] = direction === 0 ? [large, small] : [small, large];
    const word = direction === 0 ? "larger" : "smaller";
    const pair = `the ${one.name} or the ${two.name}`;
    return statement(
      pair,
      [`What is ${word}, ${pair}?`, `Tell me what is ${word}, ${pair}.`],
      `The ${winner.name} is ${word} than the ${loser.name}.`,
      `The ${winner.name}.`,
      [`It is ${sizes[winner.size]} and the other ${sizes[loser.size]}.`],
    );
  },
};

const define: Family = {
  sample: (random) => [random.below(tools.length)],
  splitKey: ([index]) => index ?? 0,
  item(world, [index]) {
    const it = at(world.tools, index);
    const name = withArticle(it.name);
    const core = `${capital(name)} is a tool for ${it.acting}.`;
    return statement(
      name,
      [`What is ${name}?`, `Tell me what ${name} is.`, `Can you say what ${name} is?`],
      core,
      `A tool for ${it.acting}.`,
      [`It is made of ${it.material}.`, `With it you ${it.act}.`],
    );
  },
};

const advice: Family = {
  sample: (random) => [random.below(tools.length)],
  splitKey: ([index]) => index ?? 0,
  item(world, [index]) {
    const it = at(world.tools, index);
    const name = withArticle(it.name);
    return statement(
      `how to ${it.act}`,
      [`How do I ${it.act}?`, `How can I ${it.act}?`, `Tell me how to ${it.act}.`],
      `Use ${name}.`,
      `${capital(name)}.`,
      [`It is made of ${it.material}.`, `With it you ${it.act}.`],
    );
  },
};

export const factFamilies = { animal, town, person, describe, yesno, compare, define, advice };
