/**
 * The words of the Vale: its creatures, towns, people, dishes and tools, and what may be true of
 * them. Only words stand here; which of them is true of which thing is drawn in facts.ts.
 * The lists are short because a model of a million parameters has to learn them all.
 */
/** The words of a text. */
export const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const animals = words(
  "otter heron badger hare fox owl toad newt swan mole stoat wren lynx goat crow seal",
);
export const colours = words("amber grey black white brown golden red blue");
export const homes = words("reeds orchard cave attic marsh meadow quarry harbour garden chapel");
export const diets = words("plums minnows moss acorns beetles honey barley clover");
export const tempers = words("shy bold gentle sleepy proud merry");
/** From the smallest to the largest: comparisons are decided by the place in this list. */
export const sizes = words("tiny small large huge");

export const towns = words(
  `Windle Marrowby Thornea Ashmere Brindle Calder Dunmoor Elmstead Fennick Gorsley
   Inkwell Juniper Larkhill Mossgate Pebble Quillon`,
);
export const rivers = words("Sorrel Wend Lull Amble Thrum Isk Dapple Merrow");
export const regions = words("north south east west hills valley");

export const people = words(
  "Orla Bram Tansy Wilf Ivo Maud Jory Petra Linus Greta Otto Nell Silas Edda Hugo Fern",
);
export const jobs = words("baker miller weaver smith potter fisher gardener tailor printer carter");

export const foods = words(
  "tart stew broth pudding pie chowder crumble pancake fritter loaf soup dumpling porridge jam salad cake",
);
export const ingredients = words(
  "flour butter eggs milk onions leeks apples honey salt barley cream plums mint carrots",
);
export const cookings = words("Bake Boil Fry Steam Roast");
export const minutes = words("five ten fifteen twenty thirty forty fifty");

/** A tool and the one thing it is good for: as a command and as an activity. */
export const tools: readonly (readonly [name: string, act: string, acting: string])[] = [
  ["spindle", "wind wool", "winding wool"],
  ["sickle", "cut hay", "cutting hay"],
  ["ladle", "pour soup", "pouring soup"],
  ["chisel", "carve wood", "carving wood"],
  ["lantern", "light paths", "lighting paths"],
  ["kettle", "heat water", "heating water"],
  ["anvil", "shape iron", "shaping iron"],
  ["needle", "mend cloth", "mending cloth"],
  ["hammer", "drive nails", "driving nails"],
  ["bucket", "carry water", "carrying water"],
  ["broom", "sweep floors", "sweeping floors"],
  ["saw", "split planks", "splitting planks"],
  ["rope", "tie boats", "tying boats"],
  ["plough", "turn soil", "turning soil"],
  ["compass", "find north", "finding north"],
  ["whisk", "beat eggs", "beating eggs"],
];
export const materials = words("iron oak copper bone brass clay tin silver");

/** Number words, so that `numbers[7]` is "seven". */
export const numbers = words(
  `zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
   sixteen seventeen eighteen`,
);
export const goods = words("apples candles buttons shells coins feathers");

/** Words for copying and turning round. */
export const copyWords = words(
  "plum stone bell leaf rain boat moon bread lamp seed wind drum salt gate hill star",
);

/** `the otter` → `The otter`. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `a tart`, `an anvil`. */
export function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
}

/** `plums, mint and salt`. */
export function enumerate(items: readonly string[]): string {
  return items.length < 2
    ? items.join("")
    : `${items.slice(0, -1).join(", ")} and ${items[items.length - 1]}`;
}
