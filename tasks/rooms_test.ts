/**
 * Who may import whom: packages through their doors alone, arrows in one direction only, and no
 * circle between files. Reads the import graph off the sources.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What the sources of each room may import, beside themselves. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  "packages/engine": [],
  "packages/decoder": ["packages/engine"],
  "packages/world": ["packages/decoder", "packages/engine"],
  "packages/alpaca-eval": [],
  "packages/hub": ["packages/decoder", "packages/engine"],
  "packages/handover": ["packages/decoder"],
  "packages/notebook": [],
  "packages/memo": [],
  "lib": [
    "packages/engine",
    "packages/decoder",
    "packages/world",
    "packages/alpaca-eval",
    "packages/hub",
    "packages/handover",
    "packages/notebook",
    "packages/memo",
  ],
  "web": [
    "lib",
    "packages/engine",
    "packages/decoder",
    "packages/world",
    "packages/alpaca-eval",
    "packages/hub",
    "packages/memo",
    "packages/notebook",
  ],
  "tasks": [
    "lib",
    "web",
    "packages/engine",
    "packages/decoder",
    "packages/world",
    "packages/alpaca-eval",
    "packages/hub",
    "packages/handover",
    "packages/notebook",
    "packages/memo",
  ],
};
const rooms = Object.keys(arrows);

const roomOf = (path: string) => rooms.find((room) => path.startsWith(`${room}/`));

/** The workspace's names → the rooms they lead to. */
const names = new Map(
  rooms.filter((room) => room !== "tasks").map((room) => {
    const { name } = JSON.parse(readFileSync(join(root, room, "deno.json"), "utf8"));
    return [name as string, room] as const;
  }),
);

interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The file it leads to, or the room where it is a member's name; null outside the house. */
  readonly file: string | null;
  readonly room: string | null;
}

function importsOf(from: string): Import[] {
  const source = readFileSync(join(root, from), "utf8");
  const found = source.matchAll(
    /^(?:import|export)\b[^;"]*?"([^"\n]+)";|\bimport\("([^"\n]+)"\)/gm,
  );
  return [...found].map(([, static_, dynamic]) => {
    const specifier = static_ ?? dynamic!;
    if (specifier.startsWith(".")) {
      const file = relative(root, join(root, dirname(from), specifier));
      return { from, specifier, file, room: roomOf(file) ?? null };
    }
    const member = [...names].find(([name]) =>
      specifier === name || specifier.startsWith(`${name}/`)
    );
    return { from, specifier, file: null, room: member?.[1] ?? null };
  });
}

const sources = rooms.flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: root })).sort();
const imports = sources.flatMap(importsOf);
const isTest = (path: string) => path.endsWith("_test.ts") || path.includes("/testing/");

Deno.test("the import graph is read: every room has sources and most have arrows", () => {
  for (const room of rooms) assert.ok(sources.some((path) => roomOf(path) === room), room);
  assert.ok(
    imports.some(({ from, room }) => roomOf(from) === "lib" && room === "packages/decoder"),
  );
});

Deno.test("nothing reaches past a door: other rooms are imported by name", () => {
  const past = imports.filter(({ from, file }) => file !== null && roomOf(file) !== roomOf(from));
  assert.deepEqual(past.map(({ from, specifier }) => `${from}: ${specifier}`), []);
});

Deno.test("arrows between rooms go one way", () => {
  const wrong = imports.filter(({ from, room, specifier }) => {
    const own = roomOf(from)!;
    if (room === null || room === own) return false;
    if (isTest(from) && specifier.endsWith("/testing")) return false;
    return !arrows[own]!.includes(room);
  });
  assert.deepEqual(wrong.map(({ from, specifier }) => `${from}: ${specifier}`), []);
});

Deno.test("no file imports itself by way of others", () => {
  const next = new Map(sources.map((path) => [
    path,
    imports.filter(({ from, file }) => from === path && file !== null).map(({ file }) => file!),
  ]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const place = trail.indexOf(path);
    if (place >= 0) circles.push([...trail.slice(place), path].join(" → "));
    if (place >= 0 || done.has(path)) return;
    for (const other of next.get(path) ?? []) visit(other, [...trail, path]);
    done.add(path);
  };
  for (const path of sources) visit(path, []);
  assert.deepEqual(circles, []);
});
