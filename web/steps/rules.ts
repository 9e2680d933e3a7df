/** The second step: three rules written by hand, added to the base's logits. */
import { AnswerView } from "../answer.ts";
import type { Call } from "../client.ts";
import { labelled, make } from "../elements.ts";
import type { RuleSettings } from "../protocol.ts";
import { attempt, BASE, predicted, type Session, type Step } from "../session.ts";
import { instructionForm, judgingBase } from "./ask.ts";

export const rules: Step = {
  name: "rules",
  title: "2 Three rules",
  show: (session) =>
    make(
      "section",
      {},
      make("h2", {}, "Are three rules enough?"),
      make(
        "p",
        { class: "lead" },
        "The model stays as it is. Three rules add to the score of some tokens: end soon, do not " +
          "repeat yourself, and leave out a few words.",
      ),
      predicted(
        "Against the instruction-tuned base, the base with the rules will win …",
        ["hardly ever", "about every third time", "about every second time"],
        () => experiment(session),
      ),
    ),
};

type RuleName = RuleSettings["use"][number];

/** A weight with a switch: what it is called, where its slider ends. */
interface Weight {
  readonly rule: RuleName;
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly of: (rules: RuleSettings) => number;
}

const weights: readonly Weight[] = [
  {
    rule: "eos",
    label: "End soon: added to the end for each token",
    least: 0,
    most: 0.3,
    of: ({ eosSlope }) => eosSlope,
  },
  {
    rule: "repetition",
    label: "Do not repeat: added to every token that has occurred",
    least: -6,
    most: 0,
    of: ({ repetitionWeight }) => repetitionWeight,
  },
  {
    rule: "uniform",
    label: "Leave out words: added to each of them",
    least: -10,
    most: 2,
    of: ({ uniform }) => uniform[0]!.weight,
  },
];

function experiment(session: Session): HTMLElement {
  const view = new AnswerView();
  const defaults = session.untuned.get("rules")?.rules ?? session.opened.rules;
  const words = make("input", {
    value: defaults.uniform.map(({ string }) => string).join(" "),
    input: () => later(),
  });
  const controls = weights.map((weight) => {
    const start = weight.of(defaults);
    const shown = make("output", {}, start.toFixed(2).replace("-", "−"));
    const slider = make("input", {
      type: "range",
      min: weight.least,
      max: weight.most,
      step: (weight.most - weight.least) / 60,
      value: start,
      "aria-label": weight.label,
      input: () => {
        shown.textContent = slider.valueAsNumber.toFixed(2).replace("-", "−");
        later();
      },
    });
    const on = make("input", {
      type: "checkbox",
      checked: defaults.use.includes(weight.rule),
      change: () => later(),
    });
    const element = make(
      "div",
      {},
      make("label", {}, on, `${weight.label}: `, shown),
      slider,
    );
    return { ...weight, on, slider, element };
  });
  const set = (): RuleSettings => {
    const [eos, repetition, uniform] = controls.map(({ slider }) => slider.valueAsNumber);
    return {
      use: controls.filter(({ on }) => on.checked).map(({ rule }) => rule),
      eosSlope: eos!,
      repetitionWeight: repetition!,
      uniform: words.value.split(/\s+/).filter((word) => word !== "")
        .map((string) => ({ string, weight: uniform! })),
    };
  };

  let asked: Call<unknown> | null = null, isWaiting = false;
  const go = () =>
    attempt(session, async () => {
      asked?.stop();
      view.clear();
      const question = { model: BASE, instruction: session.instruction, rules: set() };
      const call = session.client.call("ask", question, (event) => {
        if (event.what === "token" && asked === call) view.add(event.story);
      });
      asked = call;
      await call;
    });
  /** Once a frame however fast a slider is dragged. */
  const later = () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      go();
    }, 60);
  };
  go();
  return make(
    "div",
    {},
    instructionForm(session, "Answer", go),
    make(
      "div",
      { class: "card" },
      view.element,
      make(
        "p",
        { class: "note" },
        ...weights.map(({ rule }) =>
          make("span", { class: "tag" }, make("i", { class: rule }), `decided by ${rule}`)
        ),
        "Press a token: what did each rule add to it and to its rivals?",
      ),
      ...controls.map(({ element }) => element),
      labelled("The words", words),
    ),
    judgingBase(session, "rules", set),
  );
}
