/**
 * A campaign: the readers in turn, as many at once as there are cores, then the kills. What was found is
 * kept as it goes, so that it can be taken up again. Knows neither readers nor works.
 */
import { availableParallelism, cpus } from "node:os";
import { readFile } from "node:fs/promises";
import { writeWhole } from "@implicit/notebook";
import type { TrustFigures } from "./figures.ts";
import { type ReaderFigures, tryReader, withoutMended } from "./inputs.ts";
import { type KillFigures, killWork, type WorkName } from "./kills.ts";

export interface CampaignOptions {
  readonly seed: number;
  readonly readers: readonly string[];
  readonly works: readonly WorkName[];
  /** How long inputs are tried. */
  readonly minutes: number;
  /** How many kills there are to be of each work. */
  readonly kills: number;
  /** The file that keeps what was found. */
  readonly path: string;
  /** Counts on what is kept there, and tries again what was a fault. */
  readonly resume?: boolean;
  /** How many readers are tried at once; half as many works are killed beside. Default: as there are cores. */
  readonly atOnce?: number;
  /** Called a few times a second with what is under way, and about how many seconds are left of it. */
  readonly onStatus?: (text: string, seconds: number) => void;
}

/** What was found, by the name of the reader or work. */
interface Found {
  readonly readers: Map<string, ReaderFigures>;
  readonly works: Map<string, KillFigures>;
}

/** A reader is tried for so many seconds at most before it is the next one's turn. */
const TURN = 240;

/** Milliseconds between two writings of the file. */
const KEEP = 10_000;

/**
 * Tries readers and, beside them, kills works.
 *
 * @returns what was found, with what was found before where that is counted on
 * @throws where what is kept is to be counted on, but is of another seed
 * @example
 * const figures = await campaign({ seed: 1, minutes: 10, readers, works, kills: 40, path });
 */
export async function campaign(options: CampaignOptions): Promise<TrustFigures> {
  const { seed, path, resume = false, atOnce = availableParallelism() } = options;
  const kept = resume ? await readKept(path, seed) : null;
  const found: Found = {
    readers: new Map(kept?.readers.map((figures) => [figures.reader, figures])),
    works: new Map(kept?.kills.map((figures) => [figures.work, figures])),
  };
  const figures = (): TrustFigures => ({
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    seed,
    readers: [...found.readers.values()],
    kills: [...found.works.values()],
  });
  const keep = () => writeWhole(path, JSON.stringify(figures(), null, 1) + "\n");
  const timer = setInterval(() => void keep().catch(() => {}), KEEP);
  try {
    await sideBySide(atOnce, [...found.readers], async ([name, figures]) => {
      found.readers.set(name, await withoutMended(figures, { seed }));
    });
    await Promise.all([tryReaders(options, atOnce, found), killWorks(options, atOnce, found)]);
  } finally {
    clearInterval(timer);
    await keep();
  }
  return figures();
}

/** Kills each work until it has been killed as often as it was to be. */
async function killWorks(
  { seed, kills, works, onStatus = () => {} }: CampaignOptions,
  atOnce: number,
  found: Found,
): Promise<void> {
  const started = performance.now(), total = kills * works.length;
  let killed = 0;
  await sideBySide(Math.ceil(atOnce / 2), works, async (name) => {
    const onKill = (figures: KillFigures) => {
      found.works.set(name, figures);
      const each = (performance.now() - started) / 1000 / ++killed;
      onStatus(`${name} · kill ${figures.kills} of ${kills}`, each * Math.max(0, total - killed));
    };
    const before = found.works.get(name);
    found.works.set(name, await killWork(name, { seed, kills, before, onKill }));
  });
}

async function readKept(path: string, seed: number): Promise<TrustFigures | null> {
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return null;
  const kept = JSON.parse(text) as TrustFigures;
  if (kept.seed === seed) return kept;
  throw new Error(
    `Expected figures of seed ${seed} in ${path}, but found those of seed ${kept.seed}.`,
  );
}

/** Each reader for its share of the time, a turn at a time: wherever this ends, all have had some. */
async function tryReaders(
  { seed, minutes, readers: names, onStatus = () => {} }: CampaignOptions,
  atOnce: number,
  { readers: found }: Found,
): Promise<void> {
  const started = performance.now(), budget = minutes * 60_000;
  const share = budget * Math.min(1, atOnce / names.length); // of each reader
  const rounds = Math.ceil(share / 1000 / TURN);
  const turns = Array.from({ length: rounds }, () => names).flat();
  await sideBySide(atOnce, turns, async (name) => {
    const now = performance.now();
    if (now >= started + budget) return;
    const onInput = (figures: ReaderFigures) => {
      found.set(name, figures);
      const total = [...found.values()].reduce((sum, { inputs }) => sum + inputs, 0);
      const left = (started + budget - performance.now()) / 1000;
      onStatus(`${name} · ${total.toLocaleString("en")} inputs`, Math.max(0, left));
    };
    const until = Math.min(now + share / rounds, started + budget);
    found.set(name, await tryReader(name, { seed, before: found.get(name), until, onInput }));
  });
}

/** Works on each item, so many at once. */
async function sideBySide<T>(
  atOnce: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) await work(items[i]!);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
