/** The first step: what a base does with an instruction, token by token. */
import { AnswerView } from "../answer.ts";
import { goButton, labelled, make, Progress } from "../elements.ts";
import type { Call } from "../client.ts";
import type { RuleSettings } from "../protocol.ts";
import {
  attempt,
  BASE,
  paperRates,
  predicted,
  rateText,
  type Session,
  type Step,
} from "../session.ts";

export const ask: Step = {
  name: "ask",
  title: "1 Ask the base",
  show: (session) =>
    make(
      "section",
      {},
      make("h2", {}, "What does a base model do with an instruction?"),
      make(
        "p",
        { class: "lead" },
        "A base has read many pages and learnt to go on writing. It was never tuned to follow an " +
          "instruction.",
      ),
      predicted(
        "Put between the tags that the paper uses, an instruction will make the base …",
        ["answer it, and stop", "answer it, and go on writing", "write something else"],
        () => experiment(session),
      ),
    ),
};

function experiment(session: Session): HTMLElement {
  const view = new AnswerView();
  let asked: Call<unknown> | null = null;
  const go = () =>
    attempt(session, async () => {
      asked?.stop();
      view.clear();
      const question = { model: BASE, instruction: session.instruction, rules: null };
      const call = session.client.call("ask", question, (event) => {
        if (event.what === "token" && asked === call) view.add(event.story);
      });
      asked = call;
      const stories = await call;
      const ended = stories.at(-1)?.token === "(end)";
      session.say(
        `${stories.length} tokens. ${ended ? "It stopped by itself." : "It was cut off."}`,
      );
    });
  go();
  return make(
    "div",
    {},
    instructionForm(session, "Ask", go),
    make(
      "div",
      { class: "card" },
      view.element,
      make(
        "p",
        { class: "note" },
        make("span", { class: "tag" }, make("i", { class: "sure" }), "more than 90 % sure"),
        "Press a token: which others came near? ■ is the end of the answer.",
      ),
    ),
    judging(session, "base", null),
  );
}

/** Family, instruction and a button: what is typed is kept for the other steps. */
export function instructionForm(session: Session, label: string, go: () => void): HTMLElement {
  const { prompts } = session.opened;
  const families = [...new Set(prompts.map(({ family }) => family))].sort();
  const field = make("input", {
    value: session.instruction,
    input: () => session.instruction = field.value,
  });
  let turn = 0;
  const draw = () => {
    const fitting = prompts.filter(({ family }) => family === choice.value);
    field.value = session.instruction = fitting[turn++ % fitting.length]!.instruction;
    go();
  };
  const current = prompts.find(({ instruction }) => instruction === session.instruction);
  const options = families.map((family) =>
    make("option", { selected: family === current?.family }, family)
  );
  const choice = make("select", { change: draw }, ...options);
  return make(
    "form",
    { class: "card" },
    labelled("Instruction, also one of your own", field),
    make(
      "div",
      { class: "row" },
      labelled("Family", choice),
      make("button", { type: "button", click: draw }, "Another one"),
      goButton(label, go),
    ),
  );
}

/** The win rate of the base, with rules or without, over all validation instructions on demand. */
export function judging(
  session: Session,
  kind: "base" | "rules",
  rules: (() => RuleSettings) | null,
): HTMLElement {
  const { prompts } = session.opened;
  const result = make("p", { class: "verdict", "aria-live": "polite" });
  const progress = new Progress("judging");
  const show = () => {
    const known = session.untuned.get(kind);
    if (!known) return;
    const paper = paperRates(session.opened, kind).map((rate) => `${rate} %`).join(" and ");
    result.textContent =
      `It wins ${rateText(known.rate)} of ${known.rate.n} instructions against ` +
      `the instruction-tuned base. In the paper: ${paper}.`;
  };
  show();
  const go = () =>
    attempt(session, async () => {
      button.disabled = true;
      const set = rules?.() ?? null;
      const call = session.client.call("winRate", { model: BASE, rules: set }, (event) => {
        if (event.what === "share") progress.show(event.done, "answering and judging");
      });
      try {
        session.untuned.set(kind, { rate: await call, rules: set });
        show();
      } finally {
        button.disabled = false;
        progress.hide();
      }
    });
  const button = make("button", { type: "button", click: go }, `Judge ${prompts.length} answers`);
  return make(
    "div",
    { class: "card" },
    make("h3", {}, "How often does it win?"),
    button,
    progress.element,
    result,
  );
}
