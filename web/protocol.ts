/** What the page and its worker say to one another. */
import type { PaperRow, Prompt, StepInfo, TokenStory } from "implicit/web";

/** What a model of the session is tuned on, and how. Plain data: it stands in links and files. */
export interface Settings {
  /** An arm's name, as `response-tuning` or `single-task:poems`; `own` for one's own examples. */
  readonly arm: string;
  readonly examples: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly seed: number;
  /** JSON Lines of `instruction` and `response`; only for the arm `own`. */
  readonly own?: string;
}

/** The rules as the reader has set them; a rule that is off is not among `use`. */
export interface RuleSettings {
  readonly use: readonly ("eos" | "repetition" | "uniform")[];
  readonly eosSlope: number;
  readonly repetitionWeight: number;
  readonly uniform: readonly { readonly string: string; readonly weight: number }[];
}

/** A share of the instructions in percent, with its 95 % interval by a bootstrap of instructions. */
export interface Rate {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/** A tuned model of the session. */
export interface Experiment {
  /** Of the settings. */
  readonly id: string;
  readonly settings: Settings;
  /** When it was made. */
  readonly date: string;
  /** sha256 of the weights. */
  readonly hash: string;
  readonly losses: readonly number[];
  /** null where the tuning was cut in two: nobody counted. */
  readonly seconds: number | null;
  readonly winRate: Rate | null;
}

/** A tuning that was stopped, or whose page was closed. */
export interface Unfinished {
  readonly settings: Settings;
  readonly losses: readonly number[];
}

/** What there is when the page opens. */
export interface Opened {
  readonly base: string;
  readonly engine: string;
  readonly context: number;
  readonly prompts: readonly Prompt[];
  readonly singleTasks: readonly string[];
  /** Those that there is an instruction tuning to win against for. */
  readonly seeds: readonly number[];
  readonly defaults: Settings;
  readonly rules: RuleSettings;
  readonly paper: readonly PaperRow[];
  readonly experiments: readonly Experiment[];
  readonly unfinished: readonly Unfinished[];
  /** What the reader has to know: nothing can be kept here, for instance. */
  readonly notes: readonly string[];
}

/** How much likelier a model finds the right response than each of some wrong ones. */
export interface Ranked {
  readonly model: string;
  /** Nats a token, of the right response first. */
  readonly scores: readonly number[];
}

/** Every question, what it takes and what it gives. */
export interface Calls {
  open(start: Start): Promise<Opened>;
  /** Answers greedily; each token comes as an event too. `model`: an experiment's id, or `base`. */
  ask(
    question: { model: string; instruction: string; rules: RuleSettings | null },
  ): Promise<readonly TokenStory[]>;
  /** The win rate against instruction tuning over the validation instructions. */
  winRate(of: { model: string; rules: RuleSettings | null }): Promise<Rate>;
  /** Tunes, or goes on where a tuning of these settings was stopped. */
  tune(settings: Settings): Promise<Experiment>;
  rank(
    question: { models: readonly string[]; instruction: string; responses: readonly string[] },
  ): Promise<readonly Ranked[]>;
  /** A zip of the folder that Hugging Face's libraries load. */
  export(model: string): Promise<Uint8Array<ArrayBuffer>>;
  forget(model: string): Promise<void>;
  /** Throws away what is left of a tuning that was stopped. */
  drop(settings: Settings): Promise<void>;
}

/** Every call by name; `stop` ends the call of that number. */
export type Message =
  | { [K in keyof Calls]: { id: number; call: K; argument: Parameters<Calls[K]>[0] } }[keyof Calls]
  | { readonly stop: number };

/** What a call tells before it ends. */
export type Event =
  | { readonly what: "step"; readonly step: StepInfo }
  | { readonly what: "token"; readonly story: TokenStory }
  | { readonly what: "share"; readonly done: number }
  | { readonly what: "note"; readonly text: string };

/** An answer, an error in words, or an event on the way to it. `id` 0 is nobody's. */
export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string; readonly stopped: boolean }
  | { readonly id: number; readonly event: Event };

/** What the worker is started with. */
export interface Start {
  /** Files by name: ort.wasm, session.js, data/…; read once and handed over. */
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  /** Of the pool's workers, default classic. */
  readonly type?: "classic" | "module";
}
