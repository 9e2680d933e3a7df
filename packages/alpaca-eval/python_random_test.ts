import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { PythonRandom } from "./python_random.ts";

// Expected values: CPython 3.11, `r = random.Random(seed)`, then the calls named.
Deno.test("PythonRandom.random() equals CPython's for string seeds", () => {
  const expected: Record<string, number[]> = {
    "is_switched_outputsfoo0": [0.5915908488483251, 0.3692241561702988, 0.39293723177820483],
    "": [0.9602256525641875, 0.595411957851699, 0.3880117152955401],
    "é😀": [0.048502976786132135, 0.8569399325503715, 0.49351616516859975],
    "is_switched_outputs日本0": [0.7262294764048682, 0.9361513949899144, 0.07604567424356778],
  };
  for (const [seed, values] of Object.entries(expected)) {
    const random = new PythonRandom(seed);
    deepStrictEqual(values.map(() => random.random()), values, JSON.stringify(seed));
  }
});

Deno.test("PythonRandom equals CPython's for integers, negative, zero and longer than a word", () => {
  const rows: [number | bigint, number[], number[], number][] = [
    [0, [0.8444218515250481, 0.7579544029403025], [430, 41, 265, 988, 523, 497], 3],
    [42, [0.6394267984578837, 0.025010755222666936], [281, 250, 228, 142, 754, 104], 5],
    [-5, [0.6229016948897019, 0.7417869892607294], [814, 707, 965, 861, 757, 667], 4],
    [2 ** 40 + 17, [0.6614192930187859, 0.24151842637090726], [707, 772, 113, 455, 838, 423], 3],
    [2n ** 70n, [0.2327882718301838, 0.4150663501741646], [110, 828, 768, 28, 671, 233], 2],
  ];
  for (const [seed, floats, integers, choice] of rows) {
    const random = new PythonRandom(seed);
    deepStrictEqual(floats.map(() => random.random()), floats, String(seed));
    deepStrictEqual(integers.map(() => random.integer(0, 999)), integers, String(seed));
    strictEqual(random.choice([0, 1, 2, 3, 4, 5, 6]), choice, String(seed));
  }
});

Deno.test("PythonRandom.integer() refuses an empty range", () => {
  throws(() => new PythonRandom(1).integer(3, 2), /low ≤ high/);
  throws(() => new PythonRandom(1).choice([]), /at least one/);
});
