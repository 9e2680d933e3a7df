/**
 * What tells values apart on which results depend. Data counts as it is, a function by its source;
 * where the source does not say what a function does, because it reads something from outside, that
 * is an error. Knows values and JavaScript; does not know what the values are for.
 */
import { parseExpressionAt } from "acorn";
import { analyze } from "periscopic";

/** Under which a library's value keeps what it was made of, in whichever copy of the library. */
const MADE_OF = Symbol.for("implicit.identity");

/**
 * A value of this library that is told apart by its parameters, which become its fields: its functions'
 * source does not show them. Frozen, so that they stay those it was made of.
 */
export function libraryValue<T extends object, P extends object>(
  library: string,
  parameters: P,
  value: T,
): P & T {
  const given = Object.entries(parameters).filter(([, field]) => field !== undefined);
  const made = { ...Object.fromEntries(given) as P, ...value };
  return Object.freeze(Object.defineProperty(made, MADE_OF, { value: { library, ...parameters } }));
}

/**
 * The content of a value as JSON, for hashing: values of one identity do the same.
 *
 * @param isKnown whether a name is one that functions may use, as they may use JavaScript's own; a
 *   variable of that name that somebody else declares is not seen, so let them be telling ones
 * @throws where a function reads any other name from outside, or a field is neither data nor function.
 * @example
 * identityOf({ name: "quiet", w: -2, score(_, add) { add(5, this.w); } });
 * // { name: "quiet", w: -2, score: { function: "score(_, add) { add(5, this.w); }" } }
 */
export function identityOf(value: unknown, isKnown: IsKnown = () => false): unknown {
  return identify(value, isKnown, { field: "the value", owner: null });
}

type IsKnown = (name: string) => boolean;

/** Where in a value one stands: the last field's name, and the last thing with a name of its own. */
interface Place {
  readonly field: string;
  readonly owner: string | null;
}

function identify(value: unknown, isKnown: IsKnown, place: Place): unknown {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : { number: String(value) };
  if (typeof value === "function") {
    return { function: checkedSource(value, isKnown, place) };
  }
  if (Array.isArray(value)) {
    return value.map((item, i) => identify(item, isKnown, { ...place, field: `[${i}]` }));
  }
  if (value instanceof RegExp) return { pattern: String(value) };
  if (value instanceof Set) return { set: identify([...value], isKnown, place) };
  if (value instanceof Map) return { map: identify([...value], isKnown, place) };
  if (typeof value !== "object" || !isPlain(value)) {
    const found = typeof value === "object" ? value.constructor.name : typeof value;
    throw new Error(
      `Expected ${nameOf(place)} to be data or a function, but found a ${found}. Write it as ` +
        `numbers, strings, lists and objects.`,
    );
  }
  const { [MADE_OF]: madeOf = value } = value as { readonly [MADE_OF]?: object };
  const { name } = value as { readonly name?: unknown };
  const owner = typeof name === "string" ? name : place.owner;
  const fields = Object.entries(madeOf).filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    fields.map(([field, inner]) => [field, identify(inner, isKnown, { field, owner })]),
  );
}

/** Whether it is an object literal's, also one of another realm, as a notebook's cells may have. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const nameOf = ({ field, owner }: Place) => owner === null ? field : `${field} of "${owner}"`;

/** A function's source, once it is sure that it reads nothing else. */
function checkedSource(value: object, isKnown: IsKnown, place: Place): string {
  const source = String(value);
  const outside = namesFromOutside(source).filter((name) => !isKnown(name) && !isJavaScripts(name));
  if (outside.length === 0) return source;
  const [name] = outside;
  const own = name === "native code"
    ? "Write the function out: what it was bound to cannot be seen."
    : name === "this"
    ? "Write it as a method, name(…) { … }, whose this is the value itself."
    : `Make it a field (${name}: …) that a method reads as this.${name}, or write it into the function.`;
  throw new Error(
    `Expected functions that use nothing but their arguments, their own fields and what JavaScript ` +
      `offers, but found that the function ${nameOf(place)} uses ` +
      `${outside.join(", ")} from outside: two runs with different ${name} could not be told ` +
      `apart. ${own}`,
  );
}

/** The names that a function uses and does not declare. */
function namesFromOutside(source: string): string[] {
  if (/\{\s*\[native code\]\s*\}$/.test(source)) return ["native code"];
  const tree = parse(`(${source})`) ?? parse(`({${source}})`);
  if (!tree) throw new Error(`Expected a function's source, but found ${source.slice(0, 80)}.`);
  const names = new Set(analyze(tree as never).globals.keys());
  // Those have a this and arguments of their own, unlike arrows.
  if (!isArrow(tree)) names.delete("arguments");
  else if (readsThis(tree)) names.add("this");
  return [...names];
}

function parse(source: string) {
  try {
    return parseExpressionAt(source, 0, { ecmaVersion: "latest", sourceType: "module" });
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const isArrow = (node: { type: string }) => node.type === "ArrowFunctionExpression";

/** Whether a piece of a syntax tree reads the `this` that its surroundings have. */
function readsThis(node: unknown): boolean {
  if (typeof node !== "object" || node === null) return false;
  const { type } = node as { readonly type?: string };
  if (type === "ThisExpression") return true;
  if (type === "FunctionExpression" || type === "FunctionDeclaration") return false;
  return Object.values(node).some((part) => readsThis(part));
}

/** What the platform adds to the language and a judge may need; the language's own are not enumerable. */
const platform = ["atob", "btoa", "clearTimeout", "crypto", "fetch", "performance", "setTimeout"];

/** Whether a name is the language's or the platform's, but none through which anything can be read. */
function isJavaScripts(name: string): boolean {
  if (name === "globalThis" || name === "eval") return false;
  // A notebook's own `var` or function is enumerable.
  const found = Object.getOwnPropertyDescriptor(globalThis, name);
  return found?.enumerable === false || platform.includes(name);
}
