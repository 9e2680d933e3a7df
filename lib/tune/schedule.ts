/**
 * The learning rate of each step. Knows nothing of optimisers or data.
 */

/** Shape of the decay after the warm-up. */
export type Schedule = "linear" | "cosine" | "constant" | "warmup-stable-decay";

/** Settings of {@link learningRate}. `warmup` is a fraction of the steps. */
export interface ScheduleOptions {
  readonly learningRate: number;
  readonly schedule?: Schedule;
  readonly warmup?: number;
  readonly finalFraction?: number;
}

/**
 * Learning rate of step `step` (from 0) of `steps`. It rises linearly over the warm-up, reaches its
 * peak in the warm-up's last step, and falls towards `finalFraction` of the peak: linearly, along a
 * half cosine, not at all, or linearly over the second half of the run alone
 * ("warmup-stable-decay"). The authors' code uses linear with a warm-up of 0.03, the paper says
 * cosine with 0.1 (paper, appendix A). Hugging Face's schedules spend their first warm-up step at a
 * rate of 0; this one starts one step further.
 *
 * @example
 * learningRate(0, 100, { learningRate: 1e-3, warmup: 0.1 }); // 1e-4
 */
export function learningRate(step: number, steps: number, options: ScheduleOptions): number {
  const { learningRate: peak, schedule = "linear", warmup = 0.03, finalFraction = 0 } = options;
  const warm = Math.ceil(warmup * steps);
  if (step < warm) return (peak * (step + 1)) / warm;
  const start = schedule === "warmup-stable-decay" ? Math.max(warm, Math.floor(steps / 2)) : warm;
  const done = Math.max(0, step - start) / Math.max(1, steps - start);
  const left = schedule === "constant"
    ? 1
    : schedule === "cosine"
    ? (1 + Math.cos(Math.PI * done)) / 2
    : 1 - done;
  return peak * (finalFraction + (1 - finalFraction) * left);
}
