/** What all steps of the page share: what was opened, the models of the session, who says what. */
import type { Client } from "./client.ts";
import { Stopped } from "./client.ts";
import { goButton, make } from "./elements.ts";
import type { Experiment, Opened, Rate, RuleSettings, Unfinished } from "./protocol.ts";

/** The name under which calls know the base. */
export const BASE = "base-1";

/** Models, rates and words that outlive a step. */
export interface Session {
  readonly client: Client;
  readonly opened: Opened;
  readonly experiments: Experiment[];
  /** Tunings that were stopped. */
  unfinished: readonly Unfinished[];
  /** Of what is not tuned: the base, and the base with rules. */
  readonly untuned: Map<
    "base" | "rules",
    { readonly rate: Rate; readonly rules: RuleSettings | null }
  >;
  instruction: string;
  /** Tells everybody, the screen reader too. */
  say(text: string): void;
}

/** A step of the page: its name in the address, its title, and what it shows. */
export interface Step {
  readonly name: string;
  readonly title: string;
  show(session: Session): HTMLElement;
}

/** What a table calls a model. */
export function nameOf({ settings }: Experiment, { defaults }: Opened): string {
  const { arm, examples, steps, learningRate, seed } = settings;
  const changes = [
    examples === defaults.examples || arm === "own" ? "" : `${examples} examples`,
    steps === defaults.steps ? "" : `${steps} steps`,
    learningRate === defaults.learningRate ? "" : `rate ${learningRate}`,
    seed === defaults.seed ? "" : `seed ${seed}`,
  ].filter((change) => change !== "");
  return [arm, ...changes].join(", ");
}

/** The paper's win rates of an arm, Llama-2-7B's first. */
export function paperRates({ paper }: Opened, arm: string): number[] {
  const rows = paper.filter((row) => row.arm === arm && row.metric === "win-rate");
  return [...new Map(rows.map(({ model, value }) => [model, value])).values()];
}

/** `34.8 % [31.0, 38.6]` */
export function rateText({ estimate, low, high }: Rate): string {
  return `${estimate.toFixed(1)} % [${low.toFixed(1)}, ${high.toFixed(1)}]`;
}

/**
 * Asks the reader for a prediction before anything is shown.
 *
 * @param then what is shown afterwards, made with the words that were chosen
 */
export function predicted(
  question: string,
  options: readonly string[],
  then: (choice: string) => HTMLElement,
): HTMLElement {
  const place = make("div");
  const choose = (choice: string) => {
    const said = make("p", { class: "note" }, `You predicted: “${choice}”.`);
    const shown = then(choice);
    place.replaceChildren(said, shown);
    shown.tabIndex = -1;
    shown.focus({ preventScroll: true });
  };
  const fields = options.map((option) =>
    make(
      "label",
      {},
      make("input", { type: "radio", name: "prediction", value: option, required: true }),
      option,
    )
  );
  const form = make(
    "form",
    { class: "card predict" },
    make("fieldset", {}, make("legend", {}, question), ...fields),
    goButton("Now look", () => choose(String(new FormData(form).get("prediction")))),
  );
  place.append(form);
  return place;
}

/** Runs what may fail; a refusal is told in words. A stop is none: who stopped it knows. */
export async function attempt(
  session: Pick<Session, "say">,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Stopped) return;
    session.say(error instanceof Error ? error.message : String(error));
  }
}
