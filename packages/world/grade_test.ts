import assert from "node:assert/strict";
import { createWorld } from "./facts.ts";
import { families, familyNamed } from "./families.ts";
import { grade } from "./grade.ts";
import { playGame } from "./families/game.ts";
import { Random } from "./random.ts";
import { worldSeed } from "./recipe.ts";
import { type Task, tasks } from "./tasks.ts";

const world = createWorld(worldSeed);
const drawn = [...families, "game"].flatMap((family) => tasks(world, family, "train", 40, 11));

function faults(change: (task: Task, index: number) => string, accept: (score: number) => boolean) {
  return drawn
    .map((task, i) => ({ task, response: change(task, i) }))
    .filter(({ task, response }) => response !== task.response)
    .map(({ task, response }) => ({
      family: task.family,
      response,
      ...grade(world, task, response),
    }))
    .filter(({ score }) => !accept(score));
}

Deno.test("grade() gives 1 to every reference response, restating or not", () => {
  assert.deepEqual(faults((task) => task.plainResponse, (score) => score === 1), []);
  for (const task of drawn) {
    assert.deepEqual(grade(world, task, task.response), { score: 1, passed: true, notes: [] });
  }
});

Deno.test("grade() passes medium and terse answers that hold what was asked, below full ones", () => {
  const random = new Random(1);
  for (const task of drawn.filter(({ family }) => family !== "game")) {
    const item = familyNamed(task.family).item(world, task.params);
    const medium = grade(world, task, item.answer("medium", random));
    assert.ok(medium.passed && medium.score >= 0.6 && medium.score < 1, JSON.stringify(medium));
    assert.ok(grade(world, task, item.answer("terse", random)).score < 1, task.family);
  }
});

Deno.test("grade() gives nothing to an empty response, an echo or chatter", () => {
  assert.deepEqual(faults(() => "", (score) => score === 0), []);
  assert.deepEqual(faults((task) => task.instruction, (score) => score === 0), []);
  assert.deepEqual(faults(() => "I am not sure about that.", (score) => score === 0), []);
});

Deno.test("grade() takes points from run-ons and loops", () => {
  const runOn = (task: Task) => `${task.response}\nWhat else is there?`;
  assert.deepEqual(faults(runOn, (score) => score < 0.8), []);
  const nextTurn = (task: Task) =>
    `${task.response}\n<user>\nTell me about the otter.\nI like that.`;
  assert.deepEqual(faults(nextTurn, (score) => score < 0.2), []);
  const last = (task: Task) => task.response.split(/\n|(?<=\.) /).at(-1);
  const loop = (task: Task) => `${task.response}\n${last(task)}\n${last(task)}\n${last(task)}`;
  assert.deepEqual(faults(loop, (score) => score < 0.2), []);
});

/** What a task is about; sums, code and word lists are about nothing but their instruction. */
const about = (task: Task) => {
  const { topic } = familyNamed(task.family).item(world, task.params);
  return /^(a function|the words)$/.test(topic) ? task.instruction : topic;
};

Deno.test("grade() gives nothing to the answer of another item of the family", () => {
  const other = (task: Task, i: number) => {
    const first = (response: string) => response.split(/[.\n]/)[0];
    const rest = drawn.filter((that) =>
      that.family === task.family && about(that) !== about(task) &&
      first(that.plainResponse) !== first(task.plainResponse)
    );
    return rest.length > 0 ? rest[i % rest.length]?.plainResponse ?? "" : task.response;
  };
  const wrong = faults(
    (task, i) => task.family === "game" ? task.response : other(task, i),
    (score) => score < 0.5,
  );
  assert.deepEqual(wrong, []);
});

Deno.test("grade() of a game counts its legal rounds", () => {
  const game = tasks(world, "game", "train", 1, 1)[0] as Task;
  assert.equal(grade(world, game, playGame(new Random(4), 5)).score, 1);
  assert.equal(grade(world, game, "1. b3 d3 2. b4 c4").passed, false);
});
