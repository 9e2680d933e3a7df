/**
 * Families that ask for a fact of the world: animal, town, person, yes/no, comparison, definition
 * and the description of something. The full form adds neighbouring facts to the one asked for.
 */
import { type Animal, at, type Person, type Tool, type Town, type World } from "../facts.ts";
import { type Family, type Item, markSentences } from "../family.ts";
import { animals, capital, people, sizes, tools, towns, withArticle } from "../lexicon.ts";

/** What is asked, the sentence that answers, the bare word, and what a full answer adds. */
type Statement = readonly [
  asks: readonly string[],
  core: string,
  terse: string,
  details: readonly string[],
];

function statement(topic: string, [asks, core, terse, details]: Statement): Item {
  const answers = { full: [core, ...details].join(" "), medium: core, terse };
  return {
    topic,
    asks,
    answer: (form) => answers[form],
    mark: (units) => markSentences(units, [[core, terse]], details),
  };
}

const article = (animal: Animal) => `the ${animal.name}`;
const lives = (animal: Animal) => `lives in the ${animal.home}`;

/** Asks for one of the things that can be told of one of `names`: three of them, or the only one. */
function about(
  names: readonly string[],
  tell: (world: World, index: number) => { topic: string; statements: readonly Statement[] },
  choices = 3,
): Family {
  return {
    sample: (
      random,
    ) => [random.below(names.length), ...(choices > 1 ? [random.below(choices)] : [])],
    splitKey: ([index]) => index ?? 0,
    item(world, [index = 0, choice = 0]) {
      const { topic, statements } = tell(world, index);
      return statement(topic, at(statements, choice));
    },
  };
}

const animal = about(animals, (world, index) => {
  const it = at(world.animals, index);
  const name = article(it);
  const [grey, home] = [`It is ${it.colour}.`, `Its home is the ${it.home}.`];
  const statements: Statement[] = [
    [
      [`What does ${name} eat?`, `Tell me what ${name} eats.`],
      `${capital(name)} eats ${it.diet}.`,
      `${capital(it.diet)}.`,
      [grey, home],
    ],
    [
      [`Where does ${name} live?`, `Tell me where ${name} lives.`],
      `${capital(name)} ${lives(it)}.`,
      `In the ${it.home}.`,
      [grey, `Its food is ${it.diet}.`],
    ],
    [
      [`What colour is ${name}?`, `Tell me the colour of ${name}.`],
      `${capital(name)} is ${it.colour}.`,
      `${capital(it.colour)}.`,
      [`It eats ${it.diet}.`, home],
    ],
  ];
  return { topic: name, statements };
});

const lies = (it: Town) => `${it.name} lies in the ${it.region}.`;
const flows = (it: Town) => `Its river is the ${it.river}.`;
const governs = (it: Town) => `The mayor is ${it.mayor}.`;

const town = about(towns, (world, index) => {
  const it = at(world.towns, index);
  const { name } = it;
  const lying = `It lies in the ${it.region}.`;
  const statements: Statement[] = [
    [
      [`What river runs through ${name}?`, `Tell me the river of ${name}.`],
      `The river ${it.river} runs through ${name}.`,
      `The ${it.river}.`,
      [lying, `Its mayor is ${it.mayor}.`],
    ],
    [
      [`Who is the mayor of ${name}?`, `Tell me the mayor of ${name}.`],
      `The mayor of ${name} is ${it.mayor}.`,
      `${it.mayor}.`,
      [lying, flows(it)],
    ],
    [
      [`Where is ${name}?`, `Tell me where ${name} lies.`],
      lies(it),
      `In the ${it.region}.`,
      [flows(it), governs(it)],
    ],
  ];
  return { topic: name, statements };
});

const works = (it: Person) => `${it.name} is ${withArticle(it.job)}.`;
const dwells = (it: Person) => `They live in ${it.town}.`;
const keeps = (it: Person) => `Their animal is ${withArticle(it.pet)}.`;

const person = about(people, (world, index) => {
  const it = at(world.people, index);
  const { name } = it;
  const [job, pet] = [withArticle(it.job), withArticle(it.pet)];
  const working = `Their work is that of ${job}.`;
  const statements: Statement[] = [
    [
      [`What is the work of ${name}?`, `Tell me the work of ${name}.`],
      works(it),
      `${capital(job)}.`,
      [dwells(it), keeps(it)],
    ],
    [
      [`Where does ${name} live?`, `Tell me where ${name} lives.`],
      `${name} lives in ${it.town}.`,
      `In ${it.town}.`,
      [`They keep ${pet}.`, working],
    ],
    [
      [`What animal does ${name} keep?`, `Tell me what animal ${name} keeps.`],
      `${name} keeps ${pet}.`,
      `${capital(pet)}.`,
      [dwells(it), working],
    ],
  ];
  return { topic: name, statements };
});

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
    return [lies(it), flows(it), governs(it), `People there like ${it.dish}.`];
  }
  const it = at(world.people, index);
  return [works(it), dwells(it), keeps(it)];
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
        ? [
          [`Is it true that ${name} eats ${asked.diet}?`, `Can ${name} eat ${asked.diet}?`],
          `${word}, ${eats}`,
          `${word}.`,
          [`It is ${it.colour}.`, `Its home is the ${it.home}.`],
        ]
        : [
          [`Is it true that ${name} ${lives(asked)}?`, `Is the ${asked.home} the home of ${name}?`],
          `${word}, ${dwelling}`,
          `${word}.`,
          [`It is ${it.colour}.`, `Its food is ${it.diet}.`],
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
    return statement(pair, [
      [`What is ${word}, ${pair}?`, `Tell me what is ${word}, ${pair}.`],
      `The ${winner.name} is ${word} than the ${loser.name}.`,
      `The ${winner.name}.`,
      [`It is ${sizes[winner.size]} and the other ${sizes[loser.size]}.`],
    ]);
  },
};

const madeFor = (it: Tool) => [`It is made of ${it.material}.`, `With it you ${it.act}.`];

const define = about(tools.map(([name]) => name), (world, index) => {
  const it = at(world.tools, index);
  const name = withArticle(it.name);
  const statements: Statement[] = [[
    [`What is ${name}?`, `Tell me what ${name} is.`, `Can you say what ${name} is?`],
    `${capital(name)} is a tool for ${it.acting}.`,
    `A tool for ${it.acting}.`,
    madeFor(it),
  ]];
  return { topic: name, statements };
}, 1);

const advice = about(tools.map(([name]) => name), (world, index) => {
  const it = at(world.tools, index);
  const name = withArticle(it.name);
  const statements: Statement[] = [[
    [`How do I ${it.act}?`, `How can I ${it.act}?`, `Tell me how to ${it.act}.`],
    `Use ${name}.`,
    `${capital(name)}.`,
    madeFor(it),
  ]];
  return { topic: `how to ${it.act}`, statements };
}, 1);

export const factFamilies = { animal, town, person, describe, yesno, compare, define, advice };
