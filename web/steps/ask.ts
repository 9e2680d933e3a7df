/** The first step: what a base does with an instruction, token by token. */
import { AnswerView } from "../answer.ts";
import { goButton, labelled, make } from "../elements.ts";
import type { Call } from "../client.ts";
import type { RuleSettings } from "../protocol.ts";
import { attempt, BASE, paperRates, predicted, type Session, type Step } from "../session.ts";
import { judging } from "./judging.ts";

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
    judgingBase(session, "base", () => null),
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

/** The judge of the base, with the rules or without. */
export function judgingBase(
  session: Session,
  kind: "base" | "rules",
  rules: () => RuleSettings | null,
): HTMLElement {
  return judging(session, {
    model: BASE,
    name: kind === "base" ? "The base" : "The base with these rules",
    paper: paperRates(session.opened, kind),
    rules,
    known: () => session.untuned.get(kind)?.rate ?? null,
    keep: (rate, rules) => session.untuned.set(kind, { rate, rules }),
  });
}
