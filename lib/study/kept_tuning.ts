/**
 * What stays of a tuning: its losses in the cache, its weights (an adapter's arrays alone, or the
 * whole model) in a file or folder beside it. Does not know arms or seeds.
 */
import {
  hashParameters,
  loadCheckpoint,
  saveCheckpoint,
  writeSafetensors,
} from "@implicit/decoder";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { type Adapted, type Adapter, readTrained } from "../adapt/adapter.ts";
import type { Trained } from "../tune/tune.ts";
import type { Base } from "./scale.ts";

/** What the cache holds of a tuning beside the weights: their hash among it. */
export interface KeptTuning {
  readonly losses: readonly number[];
  readonly seconds: number;
  readonly weights: string;
}

/** What belongs to each value: in memory for as long as the value is, so also what no disk took. */
export const tunings = new WeakMap<KeptTuning, Adapted & Partial<Pick<Trained, "trained">>>();

/** @throws where there is no room; the error says how much is needed. */
export async function writeTuned(
  place: string,
  { model, trained }: Adapted & Partial<Pick<Trained, "trained">>,
): Promise<void> {
  try {
    await mkdir(dirname(place), { recursive: true });
    if (trained) await writeSafetensors(arraysIn(place), trained);
    else await saveCheckpoint(model, place);
  } catch (cause) {
    let bytes = 0;
    for (const { data } of (trained ?? model.parameters).values()) bytes += data.byteLength;
    const needed = Math.ceil(bytes / 1e6);
    throw new Error(`${(cause as Error).message} (${needed} MB are needed)`, { cause });
  }
}

/** Where an adapter's arrays are kept; a whole model has a folder. */
const arraysIn = (place: string) => `${place}.safetensors`;

/** What was kept of a tuning; null where it is missing, damaged, or not what it was. */
export async function readTuned(
  place: string,
  base: Base,
  adapter: Adapter | null,
  weights: string,
): Promise<Adapted | null> {
  try {
    if (!adapter) {
      const model = await loadCheckpoint(place);
      return model.hash === weights ? { model } : null;
    }
    const trained = await readTrained(arraysIn(place), adapter, base.model.config);
    return hashParameters(trained) === weights ? adapter.merge(base.model, trained) : null;
  } catch {
    return null; // the caller says so, and makes it anew
  }
}
