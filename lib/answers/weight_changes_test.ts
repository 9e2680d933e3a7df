import { deepEqual, ok } from "node:assert/strict";
import { initParameters, type Model, parseConfig } from "@implicit/decoder";
import { configOf } from "@implicit/world";
import { cka, shiftCosine, statesByLayer } from "./hidden_states.ts";
import { sharedWorld } from "./pretrained.ts";
import {
  cosine,
  moved,
  normOf,
  orthogonalNoise,
  product,
  weightChange,
  withLayer,
} from "./weight_changes.ts";

const size = { hiddenSize: 8, layers: 2, heads: 2, intermediateSize: 8, context: 64 };
const config = parseConfig(configOf(sharedWorld().tokenizer, size));
const model = (seed: number): Model => (
  { name: `${seed}`, config, parameters: initParameters(config, seed), hash: "", folder: null }
);
const near = (a: number, b: number) => ok(Math.abs(a - b) < 1e-4, `expected ${b}, found ${a}`);

Deno.test("moved() along a whole change is the changed model, and the change has its length", () => {
  const [base, other] = [model(1), model(2)];
  const change = weightChange(other, base);
  near(normOf(weightChange(moved(base, change, 1), other)), 0);
  near(normOf(weightChange(moved(base, change, 0.5), base)), normOf(change) / 2);
  near(cosine(change, weightChange(moved(base, change, 3), base)), 1);
});

Deno.test("orthogonalNoise() has its length and stands at a right angle", () => {
  const change = weightChange(model(2), model(1));
  const noise = orthogonalNoise(change, 3, 1);
  near(normOf(noise), 3);
  near(product(noise, change), 0);
});

Deno.test("withLayer() takes one layer and nothing else", () => {
  const [base, donor] = [model(1), model(2)];
  const mixed = withLayer(base, donor, 1);
  for (const [name, { data }] of mixed.parameters) {
    const from = name.startsWith("model.layers.1.") ? donor : base;
    deepEqual(data, from.parameters.get(name)!.data, name);
  }
});

Deno.test("states of one model are alike whatever the rotation, and shifts have a direction", async () => {
  const texts = [{ ids: [1, 5, 6, 7], from: 1 }, { ids: [1, 9, 8], from: 2 }];
  const layers = await statesByLayer(model(1), texts);
  deepEqual(layers.map((states) => states.length), [4 * 8, 4 * 8]);
  const states = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i * i));
  const turned = states.map((_, i) => states[i % 2 === 0 ? i + 1 : i - 1]!);
  near(cka(states, turned.map((value) => -2 * value), 4), 1);
  ok(cka(states, states.map((value, i) => Math.cos(value * i)), 4) < 0.9);
  const twice = states.map((value) => value * 2), none = states.map((value) => value * 0);
  near(shiftCosine(twice, states, none), 1);
  near(shiftCosine(twice, none, states), -1);
});
