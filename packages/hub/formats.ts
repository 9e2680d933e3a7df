/**
 * Two odd notations in which data sets hide their texts: Python lists written as text, recipes in
 * Markdown. Does NOT know of examples or of where files come from.
 */
/**
 * The strings of a Python list written as text, `['1 egg', "baker's yeast"]`; null where the text
 * is anything else. (The authors use eval(), which one does not do to data from outside.)
 */
export function pythonStrings(text: string): string[] | null {
  const list = text.trim();
  if (!list.startsWith("[") || !list.endsWith("]")) return null;
  const end = list.length - 1;
  const strings: string[] = [];
  let at = afterSpace(list, 1);
  while (at < end) {
    const string = pythonString(list, at);
    if (!string) return null;
    strings.push(string.value);
    at = afterSpace(list, string.end);
    if (at < end && list[at++] !== ",") return null;
    at = afterSpace(list, at);
  }
  return strings;
}

function afterSpace(text: string, at: number): number {
  while (/\s/.test(text[at] ?? "")) at++;
  return at;
}

const ESCAPES: Record<string, string> = {
  ...{ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
  ...{ "\\": "\\", "'": "'", '"': '"', "\n": "", "\r\n": "" },
};

/** Of a literal: plain text; a character by its code in hexadecimal or octal; one escaped; a quote. */
const PART =
  /[^'"\\\r\n]+|\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|(\r\n|[^xuUN]))|['"]/y;

/**
 * The string literal that begins at `at`, and where it ends; null where Python would not take it,
 * or takes a character's name (`\N{DASH}`), which repr never writes.
 */
function pythonString(text: string, at: number): { value: string; end: number } | null {
  const quote = text[at];
  if (quote !== "'" && quote !== '"') return null;
  PART.lastIndex = at + 1;
  let value = "";
  for (let match; (match = PART.exec(text));) {
    const [whole, x, u, U, octal, character] = match;
    const code = octal ? parseInt(octal, 8) : parseInt(x ?? u ?? U ?? "", 16);
    if (whole === quote) return { value, end: PART.lastIndex };
    if (code > 0x10ffff) return null;
    if (!Number.isNaN(code)) value += String.fromCodePoint(code);
    // Python, too, keeps the backslash of an unknown escape.
    else value += character === undefined ? whole : ESCAPES[character] ?? whole;
  }
  return null;
}

/** Ingredients and directions of a recipe in Markdown, or why it has none. */
export function markdownRecipe(
  markdown: string,
): { ingredients: string[]; directions: string } | string {
  const sections = markdown.split(/^## +/m).slice(1);
  const section = (name: string) => {
    const found = sections.find((text) => text.toLowerCase().startsWith(name));
    return found?.slice((found.indexOf("\n") + 1) || found.length) ?? "";
  };
  const ingredients = [...section("ingredients").matchAll(/^[ \t]*[-*] +(.+)$/gm)]
    .map((match) => match[1]!.trim());
  if (ingredients.length === 0) return "no list under ## Ingredients";
  const directions = section("directions")
    .replace(/!\[[^\][]*\]\([^()]*\)/g, "") // pictures
    .replace(/\n{3,}/g, "\n\n").trim();
  return directions === "" ? "nothing under ## Directions" : { ingredients, directions };
}
