/** A single task has one entry a scale: of the world, and of the hub. Both scales must find it. */
import assert from "node:assert/strict";
import { singleTaskSources, sources } from "@implicit/hub";
import { singleTasks } from "@implicit/world";

Deno.test("every single task of the world has its source of the hub, and the other way round", () => {
  assert.deepEqual(Object.keys(singleTaskSources), Object.keys(singleTasks));
});

Deno.test("no two single tasks of the hub are read from the same rows, and all are loadable", () => {
  const shapes = Object.values(singleTaskSources).map(({ source }) => source);
  assert.equal(new Set(shapes.map(({ name }) => name)).size, shapes.length);
  for (const { source, localShapes = [] } of Object.values(singleTaskSources)) {
    for (const shape of [source, ...localShapes]) {
      assert.ok(Object.values<unknown>(sources).includes(shape), `${shape.name} is not in sources`);
    }
  }
});
