/**
 * A cell's code, so that an interrupt ends its `await`s: `await x` becomes `await $wait((x))`, and
 * `for await (… of x)` `for await (… of $each((x)))`, functions that kernel/cell.mjs defines.
 *
 * Knows JavaScript's syntax, and TypeScript's by way of the runtime; no line of the code moves. It
 * does not know kernels.
 */
import { stripTypeScriptTypes } from "node:module";
import { type AnyNode, parse } from "acorn";

/**
 * Marks every `await` of a cell. Code that is no program, or has more of TypeScript than types (an
 * enum), stays as it is: the kernel says what is wrong, or runs it.
 *
 * @example
 * markAwaits("const a = await f(1);"); // "const a = await $wait((f(1)));"
 */
export function markAwaits(code: string): string {
  const tree = parseTypeScript(code);
  if (!tree) return code;
  const marks: [at: number, text: string][] = [];
  const visit = (node: AnyNode) => {
    const waited = node.type === "AwaitExpression"
      ? { name: "$wait", ...place(node.argument) }
      : node.type === "ForOfStatement" && node.await
      ? { name: "$each", ...place(node.right) }
      : null;
    if (waited) marks.push([waited.start, `${waited.name}((`]);
    for (const field of Object.values(node)) {
      for (const child of [field].flat()) if (typeof child?.type === "string") visit(child);
    }
    if (waited) marks.push([waited.end, "))"]);
  };
  visit(tree);
  let at = 0;
  const parts = marks.sort(([a], [b]) => a - b).map(([end, text]) => {
    const part = code.slice(at, end) + text;
    at = end;
    return part;
  });
  return parts.join("") + code.slice(at);
}

/** A cell that is one object literal, in parentheses: behind a statement it would be a block. */
export function objectLiteral(code: string): string {
  return /^\s*\{/.test(code) && parseTypeScript(`(${code})`) ? `(${code})` : code;
}

const place = ({ start, end }: AnyNode) => ({ start, end });

/** The program, whose places are those of `code`; null where there is none. */
export function parseTypeScript(code: string): AnyNode | null {
  try {
    const script = stripTypeScriptTypes(code); // types become blanks
    if (script.length !== code.length) return null;
    return parse(script, {
      ecmaVersion: "latest",
      sourceType: "module",
      allowAwaitOutsideFunction: true,
    });
  } catch {
    return null;
  }
}
