import assert from "node:assert/strict";
import { createEngine } from "@implicit/engine";
import { createAdamW } from "./adamw.ts";
import { flatState, layOut, views } from "./flat.ts";

const parameters = () =>
  new Map([
    ["norm", { shape: [5], data: Float32Array.from({ length: 5 }, (_, i) => 1 + i / 10) }],
    ["matrix", { shape: [4, 7], data: Float32Array.from({ length: 28 }, (_, i) => Math.sin(i)) }],
  ]);

const gradient = (name: string, step: number, size: number) =>
  Float32Array.from({ length: size }, (_, i) => Math.cos(i * 1.3 + step + name.length) * step);

/** PyTorch's formulation, in double precision. */
function reference(steps: number, hyper: { decay: number; clip: number; decayAll: boolean }) {
  const [rate, beta1, beta2, epsilon] = [0.01, 0.9, 0.95, 1e-8];
  const tensors = [...parameters()].map(([name, { shape, data }]) => ({
    name,
    decays: hyper.decayAll || shape.length > 1,
    p: Array.from(data),
    m: Array.from(data, () => 0),
    v: Array.from(data, () => 0),
  }));
  const norms: number[] = [];
  for (let t = 1; t <= steps; t++) {
    const gradients = tensors.map(({ name, p }) => gradient(name, t, p.length));
    const squares = gradients.flatMap((g) => Array.from(g, (x) => x * x));
    norms.push(Math.sqrt(squares.reduce((a, b) => a + b)));
    const factor = Math.min(1, hyper.clip / (norms.at(-1)! + 1e-6));
    tensors.forEach(({ decays, p, m, v }, tensor) => {
      for (let i = 0; i < p.length; i++) {
        const g = gradients[tensor]![i]! * factor;
        if (decays) p[i]! *= 1 - rate * hyper.decay;
        m[i] = beta1 * m[i]! + (1 - beta1) * g;
        v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
        const corrected = Math.sqrt(v[i]! / (1 - beta2 ** t)) + epsilon;
        p[i]! -= (rate * m[i]!) / (1 - beta1 ** t) / corrected;
      }
    });
  }
  return { norms, values: new Map(tensors.map(({ name, p }) => [name, p])) };
}

for (
  const [kind, decayAll] of [["eager", false], ["compiled", false], ["compiled", true]] as const
) {
  Deno.test(`createAdamW() follows the textbook update, ${kind}, decay on ${decayAll ? "all" : "matrices"}`, async () => {
    const engine = await createEngine({ kind });
    const hyper = { decay: 0.1, clip: 5, decayAll };
    const expected = reference(10, hyper);
    const layout = layOut(parameters(), decayAll ? () => true : undefined);
    const state = flatState(layout, parameters());
    const adamw = createAdamW(engine, state, {
      betas: [0.9, 0.95],
      weightDecay: hyper.decay,
      clip: hyper.clip,
    });
    for (let t = 1; t <= 10; t++) {
      for (const [name, view] of Object.entries(views(layout, state.gradients))) {
        view.set(gradient(name, t, view.length));
      }
      const norm = await adamw.update(t, 0.01);
      assert.ok(Math.abs(norm / expected.norms[t - 1]! - 1) < 1e-6);
    }
    for (const [name, view] of Object.entries(views(layout, state.values))) {
      expected.values.get(name)!.forEach((value, i) =>
        assert.ok(Math.abs(view[i]! - value) < 1e-6, `${name}[${i}]: ${view[i]}, not ${value}`)
      );
    }
  });
}

Deno.test("layOut() puts tensors with weight decay first, each at a multiple of 16 elements", () => {
  const layout = layOut(parameters());
  assert.deepEqual(layout.names, ["matrix", "norm"]);
  assert.deepEqual([layout.decayed, layout.length], [32, 48]);
  assert.deepEqual(layout.offsets.get("norm"), { offset: 32, size: 5 });
  const { values } = flatState(layout, parameters());
  assert.deepEqual(values.slice(32, 37), parameters().get("norm")!.data);
});
