/**
 * Turns a record of tfjs kernel calls into an ONNX graph.
 *
 * Reshapes cost nothing and constants are shared; calls whose results nobody needs are left out.
 * It knows nothing of what each kernel means (kernels.ts), nor of running a graph.
 *
 * @module
 */
import { GraphBuilder } from "./graph_builder.ts";
import { kernels, sameShape, viewed } from "./kernels.ts";
import type { Graph, Node } from "./onnx.ts";
import type { FileValues } from "./program.ts";
import type { Step, Trace, Value, Values } from "./record.ts";

/** The names of inputs and outputs in the graph, apart from each other and from all others. */
export const inputName = (name: string): string => `in:${name}`;
export const outputName = (name: string): string => `out:${name}`;

/** The graph of a record; `files`: the inputs that are no inputs of it, but constants in files. */
export function lower(
  trace: Trace,
  files: Readonly<Record<string, FileValues>> = {},
): Graph {
  const to = new GraphBuilder(viewed);
  for (const [name, value] of Object.entries(trace.inputs)) {
    const file = files[name];
    if (file) to.setFile(value, inputName(name), file);
    else to.set(value, inputName(name));
  }
  const { steps, parts } = needed(trace);
  const absorbed = new Set(parts.values());
  for (const step of steps) {
    const { write } = kernels[step.kernel]!;
    if (!write || absorbed.has(step)) continue;
    const names = [write(to, step, parts.get(step))].flat();
    names.forEach((name, i) => to.set(step.outputs[i]!, name));
  }
  const nodes = earliestLast(withOutputs(to, trace.outputs));
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const info = (values: Values, nameOf: (name: string) => string) =>
    Object.entries(values).map(([name, { dtype, shape }]) => ({
      name: nameOf(name),
      dtype,
      shape,
    }));
  return {
    name: "program",
    inputs: info(trace.inputs, inputName).filter(({ name }) =>
      used.has(name) && !to.initializers.some((constant) => constant.name === name)
    ),
    outputs: info(trace.outputs, outputName),
    initializers: to.initializers,
    nodes,
  };
}

/** The steps that the outputs depend on, and for some of them the step that becomes a part of it. */
function needed({ steps, outputs }: Trace) {
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  Object.values(outputs).forEach(use);
  const kept = steps.toReversed().filter(({ inputs, outputs }) => {
    const isNeeded = outputs.some((output) => uses.has(output));
    if (isNeeded) Object.values(inputs).forEach(use);
    return isNeeded;
  }).toReversed();
  const parts = new Map<Step, Step>();
  for (const step of kept) {
    const value = kernels[step.kernel]!.absorbs?.(step.inputs);
    if (value && sameShape(value, step.outputs[0]!) && uses.get(value) === 1) {
      parts.set(step, value.step!);
    }
  }
  return { steps: kept, parts };
}

/** The nodes, their results by the outputs' names; what is no node's result, or two outputs, is copied. */
function withOutputs(to: GraphBuilder, outputs: Values): Node[] {
  const named = Object.entries(outputs).map(([output, value]) =>
    [outputName(output), to.name(value)] as const
  );
  const results = new Set(to.nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const copies: Node[] = [];
  for (const [given, name] of named) {
    if (results.has(name) && !renamed.has(name)) renamed.set(name, given);
    else copies.push({ op: "Identity", inputs: [name], outputs: [given] });
  }
  const rename = (name: string) => renamed.get(name) ?? name;
  return [...to.nodes, ...copies].map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
}

/**
 * The nodes with those whose results nobody reads at the end, the last of them first. ONNX Runtime
 * begins with the last such node and what it needs: so each gradient is computed as soon as it can be,
 * and what it is computed from is not kept until all of the others are.
 */
function earliestLast(nodes: readonly Node[]): Node[] {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const isRead = ({ outputs }: Node) => outputs.some((output) => read.has(output));
  return [...nodes.filter(isRead), ...nodes.filter((node) => !isRead(node)).toReversed()];
}
