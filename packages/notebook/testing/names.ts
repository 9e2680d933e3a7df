/**
 * What tslab loses: a name of an earlier cell as a shorthand property (`{ scale }`), which it does
 * not find when the cell runs. `{ scale: scale }` works in every kernel. It does not run anything.
 */
import type { AnyNode, ObjectExpression, Pattern, Program } from "acorn";
import { parseTypeScript } from "../kernel/awaits.ts";
import type { Notebook } from "../kernel/notebook.ts";

/**
 * The shorthand properties whose names an earlier cell declares, and this one does not.
 *
 * @returns for each the cell's place among all cells, counted from 1, and the name
 * @example
 * lostNames(notebook); // [{ cell: 4, name: "scale" }]
 */
export function lostNames({ cells }: Notebook): { cell: number; name: string }[] {
  const earlier = new Set<string>();
  return cells.flatMap(({ cell_type, source }, index) => {
    const tree = cell_type === "code" ? parseTypeScript(source) as Program | null : null;
    if (!tree) return [];
    const nodes = [...nodesOf(tree)];
    const own = new Set(nodes.flatMap(namesIn));
    const lost = nodes.filter((node): node is ObjectExpression => node.type === "ObjectExpression")
      .flatMap(({ properties }) => properties)
      .flatMap((one) => one.type === "Property" && one.shorthand ? nameOf(one.key as Pattern) : [])
      .filter((name) => earlier.has(name) && !own.has(name));
    for (const statement of tree.body) {
      const declared = statement.type === "VariableDeclaration"
        ? statement.declarations.flatMap(({ id }) => nameOf(id))
        : statement.type === "ImportDeclaration"
        ? statement.specifiers.map(({ local }) => local.name)
        : namesIn(statement);
      for (const name of declared) earlier.add(name);
    }
    return lost.map((name) => ({ cell: index + 1, name }));
  });
}

/** A node and all below it. */
function* nodesOf(node: AnyNode): Generator<AnyNode> {
  yield node;
  for (const field of Object.values(node)) {
    for (const child of [field].flat()) if (typeof child?.type === "string") yield* nodesOf(child);
  }
}

/** The names that a node itself declares. */
function namesIn(node: AnyNode): string[] {
  if (node.type === "VariableDeclarator") return nameOf(node.id);
  if (node.type === "FunctionDeclaration") {
    return [...nameOf(node.id), ...node.params.flatMap(nameOf)];
  }
  if (node.type === "ArrowFunctionExpression" || node.type === "FunctionExpression") {
    return node.params.flatMap(nameOf);
  }
  return [];
}

/** The names that a pattern binds. */
function nameOf(pattern: Pattern | null): string[] {
  if (!pattern) return [];
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((one) =>
        nameOf(one.type === "Property" ? one.value : one.argument)
      );
    case "ArrayPattern":
      return pattern.elements.flatMap(nameOf);
    case "AssignmentPattern":
      return nameOf(pattern.left);
    case "RestElement":
      return nameOf(pattern.argument);
    default:
      return [];
  }
}
