/**
 * Families of longer writing: poems, stories and letters. Several answers are right, so they are
 * marked by what every right one has: rhymes, the true home and food, the right names.
 */
import { at } from "../facts.ts";
import { type Family, markSentences } from "../family.ts";
import { animals, capital, people } from "../lexicon.ts";
import type { Random } from "../random.ts";

/** Couplets that rhyme: the first line ends in one of two ways, the second is one of two. */
const rhymes = `
  beside the silver stream / below the lantern beam / and slips into a dream / and sees the lilies gleam
  across the quiet night / beneath a paper kite / and waits for morning light / and paints the hedges white
  behind the windy hill / beside the water mill / when all the world is still / and laughs away the chill
  through the evening rain / along the narrow lane / and counts the golden grain / and hums it all again
  beside the rolling sea / below the apple tree / as happy as can be / and calls the swallows free
  below the rising moon / and beats a wooden spoon / and whistles out a tune / and dreams of early June
`.trim().split("\n").map((line) => {
  const ends = line.trim().split(" / ");
  return [ends.slice(0, 2), ends.slice(2)] as const;
});
const motions = ["walks", "sings", "waits", "runs"] as const;

/** Two rhymed lines about `subject`. */
function couplet(subject: string, random: Random): [string, string] {
  const [first, second] = random.pick(rhymes);
  return [`${subject} ${random.pick(motions)} ${random.pick(first)},`, `${random.pick(second)}.`];
}

/** True where `second` is a line that rhymes with `first` and both are lines of a poem on `subject`. */
function isCouplet(subject: string, first: string | undefined, second: string | undefined) {
  return rhymes.some(([left, right]) =>
    left.some((end) => motions.some((move) => first === `${subject} ${move} ${end},`)) &&
    right.some((line) => second === `${line}.`)
  );
}

/** A poem of one or two couplets on an animal or a person. */
const poem: Family = {
  sample: (random) => [random.below(2), random.below(animals.length)],
  splitKey: ([kind = 0, index = 0]) => kind + index,
  item(world, [kind, index]) {
    const person = kind === 1;
    const topic = person ? at(world.people, index).name : `the ${at(world.animals, index).name}`;
    const subject = capital(topic);
    const again = person ? `Now ${topic}` : "Now it";
    return {
      topic,
      asks: [
        `Write a poem about ${topic}.`,
        `Write some rhymes on ${topic}.`,
        `Can you write a poem about ${topic}?`,
      ],
      answer(form, random) {
        const lines = couplet(subject, random);
        if (form === "full") lines.push(...couplet(again, random));
        return (form === "terse" ? lines.slice(0, 1) : lines).join("\n");
      },
      mark(units) {
        const core = isCouplet(subject, units[0], units[1]);
        const detail = core && isCouplet(again, units[2], units[3]);
        return {
          core: core ? 1 : 0,
          detail: detail ? 1 : 0,
          extra: units.slice(detail ? 4 : core ? 2 : 0),
        };
      },
    };
  },
};

const days = ["spring", "summer", "autumn", "winter"] as const;
const endings = [
  "They sang all the way home.",
  "They were friends for ever after.",
  "They slept until the morning.",
] as const;

/** A story of five sentences in which a person meets an animal; the home, food and temper are true. */
const story: Family = {
  sample: (random) => [random.below(people.length), random.below(animals.length)],
  splitKey: ([who = 0, what = 0]) => who + what,
  item(world, [who, what]) {
    const name = at(world.people, who).name;
    const it = at(world.animals, what);
    const meeting = days.map((day) =>
      `One ${day} day ${name} met the ${it.name} in the ${it.home}.`
    );
    const [gift, mood] = [`So ${name} gave it some ${it.diet}.`, `It was very ${it.temper}.`];
    return {
      topic: `${name} and the ${it.name}`,
      asks: [
        `Tell me a story about ${name} and the ${it.name}.`,
        `Write a story about ${name} and the ${it.name}.`,
      ],
      answer(form, random) {
        const sentences = [random.pick(meeting), mood, gift, random.pick(endings)];
        return sentences.slice(0, { full: 4, medium: 3, terse: 1 }[form]).join(" ");
      },
      mark: (units) => markSentences(units, [meeting, gift], [mood, endings]),
    };
  },
};

const wishes = [
  "Come and see me soon.",
  "May the year be kind to you.",
  "All is well with us.",
] as const;

/** A letter between two people; town and work of the writer are true. */
const letter: Family = {
  sample(random) {
    const [from, to] = random.sample(people.map((_, i) => i), 2) as [number, number];
    return [from, to];
  },
  splitKey: ([from = 0, to = 0]) => from + to,
  item(world, [from, to]) {
    const writer = at(world.people, from);
    const reader = at(world.people, to).name;
    const [greeting, close] = [`Dear ${reader},`, `Yours, ${writer.name}`];
    const news = [`Life in ${writer.town} is good.`, `My work as ${writer.job} goes well.`];
    return {
      topic: `a letter to ${reader}`,
      asks: [
        `Write a letter from ${writer.name} to ${reader}.`,
        `Write to ${reader} in the name of ${writer.name}.`,
        `Can you write a letter from ${writer.name} to ${reader}?`,
      ],
      answer(form, random) {
        const wish = random.pick(wishes);
        const body = { full: [...news, wish], medium: [wish], terse: [] }[form];
        return [greeting, ...(body.length > 0 ? [body.join(" ")] : []), close].join("\n");
      },
      mark: (units) => markSentences(units, [greeting, close], [...news, wishes]),
    };
  },
};

export const proseFamilies = { poem, story, letter };
