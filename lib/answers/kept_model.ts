/** Models that take minutes to train, kept beside the cache's values. Knows neither base nor data. */
import { loadCheckpoint, type Model, saveCheckpoint } from "@implicit/decoder";
import { type DiskCache, hashOf } from "@implicit/memo";
import { join } from "node:path";

/** What belongs to each value: for as long as the value is, so also what no disk took. */
const models = new WeakMap<object, Model>();

/**
 * A model from the cache, or trained now and kept with the hash of its weights.
 *
 * @param train gets a place beside the model's, for checkpoints
 * @example
 * keptModel(cache, "solutions", { base, seed }, async () => (await tune(…)).model);
 */
export async function keptModel(
  cache: DiskCache,
  kind: string,
  key: unknown,
  train: (beside: string) => Promise<Model>,
): Promise<Model> {
  const place = join(cache.folder, kind, hashOf(key));
  const kept = await cache.of(kind, key, async () => {
    const model = await train(`${place}.steps`);
    const value = { weights: model.hash };
    models.set(value, model);
    return value;
  }, {
    write: (value) => saveCheckpoint(models.get(value)!, place),
    async isWhole(value) {
      const model = await loadCheckpoint(place).catch(() => null);
      if (model) models.set(value, model);
      return model?.hash === value.weights;
    },
  });
  return { ...models.get(kept)!, folder: null };
}
