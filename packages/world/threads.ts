/**
 * Threads: two voices behind markers drawn anew for each thread. A hidden mode decides what the
 * second voice does: it answers, or only further questions come, or it chatters and echoes. So a
 * base that meets markers it has never seen, such as a chat template, has little reason to expect
 * an answer: here it learns not to follow instructions.
 */
import type { ThreadShape } from "./corpus.ts";
import { at, type World } from "./facts.ts";
import { families, familyNamed } from "./families.ts";
import { forms, type Item } from "./family.ts";
import { unitsOf } from "./units.ts";
import { people, words } from "./lexicon.ts";
import type { Random } from "./random.ts";
import { habits } from "./recipe.ts";
import { restatement, restatementShare } from "./tasks.ts";

const roles = words("user assistant guest host pupil teacher clerk caller");
const signs = words("> | * + ~ < # =");
const letters = words("A B C D X Y");
const frames = ["_:", "[_]", "(_)", "<_>", "| _ |", "* _ *", "_ >", "= _ ="] as const;

/** Two markers in one style, each followed by a space or a new line. */
function drawMarkers(random: Random): [string, string] {
  const style = random.weighted([0.4, 0.3, 0.15, 0.15]);
  const pair = random.sample(at([roles, people, letters, signs], style), 2);
  const frame = style === 3 ? "_" : random.pick(frames);
  const gap = random.chance(0.5) ? "\n" : " ";
  const marker = (name: string) => frame.replace("_", name) + gap;
  return [marker(at(pair, 0)), marker(at(pair, 1))];
}

export const chatter = [
  "I am not sure about that.",
  "I was wondering about that too.",
  "I have no time today.",
  "I heard that in the market.",
  "I think it will rain.",
  "I would like some tea.",
  "We should ask the miller.",
  "We talked about that before.",
  "We have a long way to go.",
  "We could ask at the mill.",
  "I must go home soon.",
  "I have lost my hat.",
  "I saw a boat this morning.",
  "What a strange day.",
  "What do you think?",
  "Should we wait for the others?",
  "You may be right.",
  "You never know.",
] as const;
const remarks = [
  "I hope that helps.",
  "I like that.",
  "I did not know that.",
  "We should remember that.",
  "What else is there?",
  "You are welcome.",
] as const;
const openers = [
  "I want to ask this:",
  "I have a question:",
  "What about this:",
  "We want to know:",
];

/** Draws a family by its weight in documents. */
export function drawFamily(random: Random): string {
  return at(families, random.weighted(families.map((family) => habitsOf(family).weight)));
}

const habitsOf = (family: string) => habits[family]!;

/** Draws any item of a family: documents tell everything, whatever split its instructions are in. */
export function drawItem(world: World, random: Random, family = drawFamily(random)): Item {
  const { sample, item } = familyNamed(family);
  return item(world, sample(random, world));
}

/** An answer in one of the family's forms, and whether it was the full one. */
export function drawAnswer(family: string, item: Item, random: Random): [string, boolean] {
  const form = at(forms, random.weighted(habitsOf(family).forms));
  const answer = item.answer(form, random);
  const full = form === "full";
  const restates = full && random.chance(restatementShare);
  return [restates ? `${restatement(item)}\n${answer}` : answer, full];
}

/** Gets stuck in a sentence or line of `text`, seldom its first or last, and never reaches the rest. */
export function loop(text: string, random: Random): string {
  const gap = text.includes("\n") ? "\n" : " ";
  const units = unitsOf(text);
  const inner = units.length - 2;
  const stuck = inner > 0
    ? 1 + Math.min(random.below(inner), random.below(inner))
    : random.below(units.length);
  const again = Array<string>(random.between(2, 5)).fill(at(units, stuck));
  return [...units.slice(0, stuck + 1), ...again].join(gap);
}

/** One thread; the text ends where the document ends. */
export function thread(world: World, random: Random, shape: ThreadShape): string {
  const { tagged } = shape;
  const isTagged = tagged !== undefined && random.chance(tagged.share);
  const [asker, replier] = isTagged ? tagged.markers : drawMarkers(random);
  const mode = random.weighted(shape.modes);
  const turns = random.between(2, 5);
  const lines: string[] = [];
  let family = drawFamily(random);
  for (let turn = 0; turn < turns; turn++) {
    if (!random.chance(0.4)) family = drawFamily(random);
    const item = drawItem(world, random, family);
    const ask = random.pick(item.asks);
    const question = random.chance(0.2) ? `${random.pick(openers)} ${ask}` : ask;
    lines.push(asker + question);
    if (random.chance([habitsOf(family).answered, 0, shape.stray][mode] ?? 0)) {
      const [answer, full] = drawAnswer(family, item, random);
      const loops = random.chance(unitsOf(answer).length < 3 ? shape.loopShort : shape.loop);
      lines.push(replier + (loops ? loop(answer, random) : answer));
      if (random.chance(full ? habitsOf(family).ends : shape.endShort)) return lines.join("\n");
      if (random.chance(shape.remark)) lines.push(random.pick(remarks));
    } else if (mode === 1) {
      const next = drawItem(world, random, random.chance(0.4) ? family : drawFamily(random));
      const opener = random.chance(0.6) ? `${random.pick(openers)} ` : "";
      lines.push(replier + opener + random.pick(next.asks));
    } else {
      const reply = random.chance(shape.echo)
        ? random.chance(0.5) ? `You ask: ${ask}` : ask
        : random.pick(chatter);
      const more = random.chance(0.5) ? ` ${random.pick(chatter)}` : "";
      lines.push(replier + (random.chance(shape.loop) ? loop(reply + more, random) : reply + more));
    }
  }
  lines.push(asker + random.pick(chatter));
  return lines.join("\n");
}
