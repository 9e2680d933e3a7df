import assert from "node:assert/strict";
import { createWorld } from "./facts.ts";
import { families, familyNamed, singleTasks } from "./families.ts";
import type { Split } from "./family.ts";
import { grade } from "./grade.ts";
import { worldSeed } from "./recipe.ts";
import { evaluationSet, rankingSet, tasks, tuningSet } from "./tasks.ts";
import { unitsOf } from "./units.ts";

const world = createWorld(worldSeed);
const splits: readonly Split[] = ["train", "validation", "test"];

Deno.test("tasks() give the same tasks for the same seed and others for others", () => {
  assert.deepEqual(tasks(world, "sum", "test", 20, 1), tasks(world, "sum", "test", 20, 1));
  assert.notDeepEqual(tasks(world, "sum", "test", 20, 1), tasks(world, "sum", "test", 20, 2));
});

Deno.test("tasks() of different splits share no instruction and no item", () => {
  for (const family of [...families, "game"]) {
    const [train, validation, test] = splits.map((split) => {
      const drawn = tasks(world, family, split, 300, 7);
      return new Set(drawn.flatMap((task) => [task.instruction, JSON.stringify(task.params)]));
    });
    for (const [a, b] of [[train, validation], [train, test], [validation, test]] as const) {
      assert.ok(a && b && a.isDisjointFrom(b), family);
    }
  }
});

Deno.test("tasks() repeat no instruction before every one has come", () => {
  const drawn = tasks(world, "poem", "test", 15, 1).map((task) => task.instruction);
  assert.equal(new Set(drawn).size, 15);
});

Deno.test("tasks() restate the instruction in about a tenth of the responses", () => {
  const drawn = tuningSet(world, "instruction", 960, 3);
  const restating = drawn.filter((task) => task.restates);
  assert.ok(restating.length > 50 && restating.length < 150, `${restating.length}`);
  for (const task of drawn) {
    assert.equal(task.response.startsWith("Here is what I can say on "), task.restates, task.id);
    assert.ok(task.response.endsWith(task.plainResponse));
  }
});

Deno.test("evaluationSet() takes the families in turn", () => {
  const drawn = evaluationSet(world, "test", 2 * families.length);
  assert.deepEqual(drawn.map((task) => task.family), [...families, ...families]);
  assert.equal(new Set(drawn.map((task) => task.instruction)).size, drawn.length);
});

Deno.test("rankingSet() asks what evaluationSet() asks, and a third of its responses are full", () => {
  const [asked, ranked] = [evaluationSet(world, "test", 192), rankingSet(world, "test", 192)];
  assert.deepEqual(ranked.map((t) => t.instruction), asked.map((t) => t.instruction));
  const full = ranked.filter((t) => grade(world, t, t.response).score === 1).length;
  const passed = ranked.filter((t) => grade(world, t, t.response).passed).length;
  assert.ok(full > 40 && full < 90, `${full} full`);
  assert.ok(passed > full + 40, `${passed} passed`);
});

Deno.test("tuningSet() of a single task holds one family, in its style, which others lack", () => {
  for (const [name, { family, style }] of Object.entries(singleTasks)) {
    const drawn = tuningSet(world, `single:${name}`, 100, 1);
    assert.ok(drawn.every((task) => task.family === family && task.split === "train"));
    assert.ok(drawn.every((task) => style.test(task.response)), name);
    const others = tuningSet(world, "instruction", 320, 1).filter((task) => task.family !== family);
    assert.deepEqual(others.filter((task) => style.test(task.response)), [], name);
  }
  assert.throws(() => tuningSet(world, "single:chess", 1, 1), /sums, code, poems, recipes, game/);
});

Deno.test("family names are checked", () => {
  assert.throws(() => familyNamed("riddle"), /Expected a family among .*poem.* but found "riddle"/);
});

Deno.test("unitsOf() cuts sentences and lines and keeps numbered lines whole", () => {
  assert.deepEqual(unitsOf("1. Windle, north\n2. Calder, east"), [
    "1. Windle, north",
    "2. Calder, east",
  ]);
  assert.deepEqual(unitsOf("It is red. It sings."), ["It is red.", "It sings."]);
});
