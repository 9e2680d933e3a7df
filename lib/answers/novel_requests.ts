/**
 * Instructions that no document holds, and how answers to them are graded with the micro-world's own
 * marks: two requests in one, and requests about names that the world does not have. Knows no models.
 */
import { grade, type Task, tasks, unitsOf, type World } from "@implicit/world";

/** An instruction made of parts, and its parts. */
export interface Composed {
  readonly instruction: string;
  readonly parts: readonly [Task, Task];
}

/** Families that are put together, in the order in which they are asked for. */
const together = [
  ["animal", "poem"],
  ["town", "poem"],
  ["poem", "person"],
  ["letter", "animal"],
  ["animal", "town"],
  ["person", "animal"],
  ["define", "person"],
  ["town", "code"],
] as const;

/**
 * Two requests in one: "Tell me what the wren eats, and write a poem about Bram." Documents hold each
 * of the requests, and never two in one turn.
 *
 * @param count of each pair of families
 */
export function composed(world: World, count: number): Composed[] {
  const orders = (family: string, seed: number) =>
    tasks(world, family, "test", 20 * count, seed)
      .filter(({ instruction }) => /^(Tell|Write) [^:,]*\.$/.test(instruction))
      .slice(0, count);
  return together.flatMap(([a, b], i) => {
    const second = orders(b, 2 * i + 1);
    return orders(a, 2 * i).map((one, k) => {
      const two = second[k]!;
      const after = two.instruction.charAt(0).toLowerCase() + two.instruction.slice(1);
      return { instruction: `${one.instruction.slice(0, -1)}, and ${after}`, parts: [one, two] };
    });
  });
}

/** What of a composed instruction a response answers. */
export interface ComposedGrade {
  /** Each request, whatever stands around its answer. */
  readonly first: boolean;
  readonly second: boolean;
  /** Both answers, in either order, and nothing else. */
  readonly clean: boolean;
}

/** Grades a response to two requests: each part of the text is held against each request. */
export function gradeComposed(world: World, { parts }: Composed, response: string): ComposedGrade {
  const units = unitsOf(response);
  const passes = (task: Task, from: number, to: number) =>
    from < to && grade(world, task, units.slice(from, to).join("\n")).passed;
  const answered = (task: Task) =>
    units.some((_, from) => units.some((_, to) => passes(task, from, to + 1)));
  const [first, second] = parts;
  const cut = (one: Task, two: Task) =>
    units.some((_, at) => passes(one, 0, at) && passes(two, at, units.length));
  return {
    first: answered(first),
    second: answered(second),
    clean: cut(first, second) || cut(second, first),
  };
}

/** Where a request's names come from. */
export type NameSort = "seen" | "moved" | "unseen";
export const nameSorts: readonly NameSort[] = ["seen", "moved", "unseen"];

/** Names in roles that they do not have in the world, and names that it does not have. */
const names = {
  moved: {
    animal: ["kettle", "hammer", "pudding", "bucket"],
    person: ["Calder", "Merrow", "Inkwell", "Amble"],
    town: ["Sorrel", "Thrum", "Wend", "Lull"],
    tool: ["pudding", "badger", "tart", "heron"],
    word: ["copper", "brass", "silver", "clay", "iron"],
  },
  unseen: {
    animal: ["zebra", "panda", "camel", "gecko"],
    person: ["Anna", "Karl", "Rosa", "Emil"],
    town: ["Holtby", "Westrow", "Kirkholm", "Tarnside"],
    tool: ["mallet", "pulley", "wrench", "trowel"],
    word: ["cloud", "fork", "glove", "paint", "chair"],
  },
} as const;
type Role = keyof typeof names.moved;

/** Every name that {@link named} takes and that the world does not have. */
export const unseenNames: readonly string[] = Object.values(names.unseen).flat();

const roles: Readonly<Record<string, Role>> = {
  animal: "animal",
  town: "town",
  person: "person",
  define: "tool",
  letter: "person",
  text: "word",
};
const namedFamilies = [...Object.keys(roles), "poem"];

/** A request about one thing or another, and the names in it that were changed. */
export interface Named {
  readonly instruction: string;
  readonly task: Task;
  /** From the names that the task has to those that the instruction has. */
  readonly renamed: ReadonlyMap<string, string>;
}

/**
 * The same requests about what the world has, about names that have another role in it, and about
 * names that it does not have: facts, definitions, letters, poems, operations on words.
 *
 * @param count of each family, at most four
 */
export function named(world: World, sort: NameSort, count: number): Named[] {
  return namedFamilies.flatMap((family) =>
    tasks(world, family, "test", 10 * count, 11)
      .filter(({ instruction }) => !/ an /.test(instruction)) // new names take "a"
      .slice(0, count)
      .map((task, i) => {
        const kept = namesIn(world, task);
        const role = family !== "poem"
          ? roles[family]!
          : task.params[0] === 1
          ? "person"
          : "animal";
        const renamed = new Map(kept.map((name, k) => {
          const choices = sort === "seen" ? [name] : names[sort][role];
          return [name, choices[(i + k) % choices.length]!];
        }));
        return { task, renamed, instruction: rename(task.instruction, renamed) };
      })
  );
}

/** The names that a task is about. */
function namesIn(world: World, { family, params, instruction }: Task): string[] {
  const [a = 0, b = 0] = params;
  if (family === "text") return /: (.*)[.?]$/.exec(instruction)![1]!.split(", ");
  if (family === "letter") return [world.people[a]!.name, world.people[b]!.name];
  if (family === "poem") return [(a === 1 ? world.people : world.animals)[b]!.name];
  const list = { animal: world.animals, town: world.towns, person: world.people }[family];
  return [(list ?? world.tools)[a]!.name];
}

/** A text with all names exchanged at once. */
function rename(text: string, renamed: ReadonlyMap<string, string>): string {
  const pattern = new RegExp(`\\b(${[...renamed.keys()].join("|")})\\b`, "g");
  return text.replace(pattern, (name) => renamed.get(name)!);
}

/** How an answer to a {@link named} request comes out. */
export interface NamedGrade {
  /**
   * Of the right form: the sentences of a right answer in their order, the one asked for among them,
   * with the right names. What is said of the names is free, as long as it is so of something in the
   * world. Poems and operations on words, which say nothing that has to be true, are graded as ever.
   */
  readonly form: boolean;
  /** It begins with a sentence of the kind that was asked for, whatever the names in it. */
  readonly kind: boolean;
}

/** Grades responses to {@link named} requests, about which nothing is true in the world. */
export function namedGrader(world: World): (request: Named, response: string) => NamedGrade {
  const all = new Map(
    [
      ...Object.values(names.moved),
      ...Object.values(names.unseen),
      ...[world.animals, world.towns, world.people, world.tools].map((list) =>
        list.map(({ name }) => name)
      ),
    ].flat().map((name) => [name, "@"] as const),
  );
  const anyName = (unit: string) => rename(unit, all).replace(/(word|order) is .*/, "$1 is @");
  const like = new Map<string, { readonly form: Set<string>[]; readonly openings: Set<string> }>();
  /** What stands first, second … in right answers to requests of this kind, names taken out. */
  const answersLike = (task: Task) => {
    const key = kindOf(task);
    const found = like.get(key);
    if (found) return found;
    const form: Set<string>[] = [], openings = new Set<string>();
    for (const split of ["train", "validation", "test"] as const) {
      for (const other of tasks(world, task.family, split, 400, 1)) {
        if (kindOf(other) !== key) continue;
        const units = unitsOf(other.plainResponse);
        const blanks = blanked(namesIn(world, other));
        openings.add(anyName(units[0]!));
        units.forEach((unit, i) => (form[i] ??= new Set()).add(rename(unit, blanks)));
      }
    }
    like.set(key, { form, openings });
    return { form, openings };
  };
  return ({ task, renamed }, response) => {
    const { form, openings } = answersLike(task);
    const said = unitsOf(response);
    if (said[0]?.startsWith(RESTATES)) said.shift();
    const kind = openings.has(anyName(said[0] ?? ""));
    if (task.family === "poem" || task.family === "text") {
      const back = new Map([...renamed].map(([name, other]) => [other, name]));
      // A name of the world that was not asked about must not become one that was.
      const others = [...renamed.keys()].filter((name) => !back.has(name));
      const both = new Map([...back, ...others.map((name) => [name, "another"] as const)]);
      return { kind, form: grade(world, task, renameCased(response, both)).passed };
    }
    const blanks = blanked([...renamed.values()]);
    const places = said.map((unit) => {
      const blank = rename(unit, blanks);
      return form.findIndex((set) => set.has(blank));
    });
    const inOrder = places.every((place, i) => place > (places[i - 1] ?? -1));
    const ends = task.family !== "letter" || places.at(-1) === form.length - 1;
    return { kind, form: places[0] === 0 && inOrder && ends };
  };
}

/** A restatement of the instruction, which is right but not needed; grade() leaves it out too. */
const RESTATES = "Here is what I can say on ";

/** Requests of one kind ask for the same thing of different names. */
function kindOf({ family, params }: Task): string {
  const choice = { animal: params[1], town: params[1], person: params[1], text: params[0] }[family];
  return `${family} ${choice ?? ""}`;
}

/** Names as places: the first is "@1". */
const blanked = (list: readonly string[]) =>
  new Map(list.map((name, i) => [name, `@${i + 1}`] as const));

/** As `rename`, for names that may open a sentence too. */
function renameCased(text: string, renamed: ReadonlyMap<string, string>): string {
  const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
  const both = [...renamed].flatMap(([from, to]) =>
    [[from, to], [capital(from), capital(to)]] as const
  );
  return rename(text, new Map(both));
}
