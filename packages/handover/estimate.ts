/**
 * What a training takes on GPUs: hours, memory, disk. Arithmetic over the lengths of its rows and the
 * sizes of a model; what is assumed, or was measured once, are its options.
 */

/** Sizes of a decoder. */
export interface ModelSize {
  readonly parameters: number;
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly vocabulary: number;
  /** How many parameters are trained: all, or those of adapters beside them. */
  readonly trained?: number;
}

/** What is assumed of a GPU; the defaults are an H100's. */
export interface Gpu {
  /** FLOP a second in bfloat16 (989e12), and the share of it that trainings reach (0.4). */
  readonly flops?: number;
  readonly utilization?: number;
  /** Bytes a second between GPUs of one machine (300e9). */
  readonly bandwidth?: number;
  /**
   * Seconds that a layer takes for a row however short it is, for its kernels must be started (0.007,
   * as measured on an H200 with 1.1 B parameters and activations computed again; 0.010 with LoRA).
   */
  readonly launches?: number;
}

/** Of one run. GiB are those of each GPU. */
export interface Estimate {
  readonly gpus: number;
  readonly minutes: number;
  readonly gpuHours: number;
  readonly gib: number;
}

const GIB = 2 ** 30;

/**
 * Estimates a run on so many GPUs, sharded (FSDP2), activations computed again. A token costs 6 FLOP
 * a parameter (2 forward, 2 backward, 2 again), 2 more for one that is trained, and attention, but
 * a row is not faster than its kernels can be started; the GPUs of a micro-step wait for its longest row and for the weights to be gathered twice. Memory, in
 * float32: 4 bytes a parameter, 12 more for gradient and moments of one that is trained, divided,
 * beside one row's activations.
 *
 * @param lengths of the rows in their order, `batch` a step
 * @example
 * estimateRun(size, lengths, 64, 8).gpuHours; // for eight GPUs
 */
export function estimateRun(
  size: ModelSize,
  lengths: readonly number[],
  batch: number,
  gpus: number,
  { flops = 989e12, utilization = 0.4, bandwidth = 300e9, launches = 0.007 }: Gpu = {},
): Estimate {
  const { parameters, layers, hidden, intermediate, vocabulary, trained = parameters } = size;
  const work = (length: number) =>
    (6 * parameters + 2 * trained) * length + 8 * layers * hidden * length ** 2;
  const others = (gpus - 1) / gpus;
  const traffic = (2 * 2 * parameters + 4 * trained) * others / bandwidth; // two gathers, a scatter
  let seconds = 0;
  for (let first = 0; first < lengths.length; first += batch) {
    for (let at = first; at < first + batch; at += gpus) {
      const longest = lengths.slice(at, at + gpus).reduce((a, b) => Math.max(a, b));
      seconds += Math.max(work(longest) / (flops * utilization), traffic, launches * layers);
    }
  }
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const activations = layers * longest * hidden * 2 + // a layer's input each
    longest * (34 * hidden + 6 * intermediate) + // one layer computed again
    longest * vocabulary * 4 * 3 + 8 * parameters / layers; // logits; one layer gathered
  return {
    gpus,
    minutes: seconds / 60,
    gpuHours: seconds * gpus / 3600,
    gib: ((4 * parameters + 12 * trained) / gpus + activations) / GIB,
  };
}

/** GiB on disk of a model as TRL saves it, in float32. */
export const diskGib = ({ parameters }: ModelSize): number => 4 * parameters / GIB;
