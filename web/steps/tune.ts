/** The third step: tune the base, here, on responses alone or on something else. */
import { Stopped } from "../client.ts";
import { lossChart } from "../charts.ts";
import { goButton, labelled, make, Progress, table } from "../elements.ts";
import { linkOf, readLink } from "../link.ts";
import type { Call } from "../client.ts";
import type { Prompt } from "implicit/web";
import type { Experiment, Settings, Unfinished } from "../protocol.ts";
import {
  attempt,
  BASE,
  nameOf,
  paperRates,
  predicted,
  type Session,
  type Step,
} from "../session.ts";
import { instructionForm } from "./ask.ts";
import { judging } from "./judging.ts";

export const tuning: Step = {
  name: "tune",
  title: "3 Only responses",
  show(session) {
    const { settings } = readLink(location.hash, session.opened.defaults);
    const isKnown = settings !== null || session.unfinished.length > 0 ||
      session.experiments.length > 0;
    const start = settings ?? session.opened.defaults;
    return make(
      "section",
      {},
      make("h2", {}, "Does it take instructions to learn to follow them?"),
      make(
        "p",
        { class: "lead" },
        "Response tuning shows the base responses under an empty instruction: what answers look " +
          "like, never what they answer.",
      ),
      isKnown ? experiment(session, start) : predicted(
        "Tuned on responses alone and then given instructions, the base will …",
        [
          "answer something, whatever was asked",
          "follow them, and win some against instruction tuning",
          "be as good as instruction tuning",
        ],
        () => experiment(session, start),
      ),
    );
  },
};

/** What a link asks for that no list of the form has, in a sentence; null where there is nothing. */
function unknownIn(
  { arm, seed }: Settings,
  names: readonly string[],
  seeds: readonly number[],
): string | null {
  const found = [
    names.includes(arm) ? [] : `an arm of ${names.join(", ")}, but found "${arm}"`,
    seeds.includes(seed) ? [] : `a seed of ${seeds.join(", ")}, but found ${seed}`,
  ].flat();
  if (found.length === 0) return null;
  return `Expected the link to name ${found.join("; and ")}. The first of the list is chosen ` +
    "in its place: this is another experiment than the link's.";
}

const OWN = `{"instruction": "Say hello.", "response": "Hello to you."}
{"instruction": "Say goodbye.", "response": "Goodbye to you."}`;

function experiment(session: Session, start: Settings): HTMLElement {
  const { opened } = session;
  const names = [
    "response-tuning",
    "instruction-tuning",
    "shuffled-pairs",
    ...opened.singleTasks.map((task) => `single-task:${task}`),
    "own",
  ];
  const arm = make(
    "select",
    { change: () => own.parentElement!.hidden = arm.value !== "own" },
    ...names.map((name) => make("option", { selected: name === start.arm, value: name }, name)),
  );
  const unknown = unknownIn(start, names, opened.seeds);
  const number = (value: number, least: number, most: number, step: number | "any") =>
    make("input", { type: "number", value, min: least, max: most, step, required: true });
  const examples = number(start.examples, 1, 5000, 1);
  const steps = number(start.steps, 1, 1000, 1);
  const rate = number(start.learningRate, 0.000001, 1, "any");
  const seed = make(
    "select",
    {},
    ...opened.seeds.map((one) => make("option", { selected: one === start.seed }, String(one))),
  );
  const own = make("textarea", { spellcheck: "false" }, start.own ?? OWN);
  const ownLabel = labelled("Your examples, JSON Lines: one a line", own);
  ownLabel.hidden = start.arm !== "own";
  const settings = (): Settings => ({
    arm: arm.value,
    examples: examples.valueAsNumber,
    steps: steps.valueAsNumber,
    learningRate: rate.valueAsNumber,
    seed: Number(seed.value),
    ...(arm.value === "own" ? { own: own.value } : {}),
  });

  const chart = make("figure", {}, lossChart([], start.steps));
  const progress = new Progress("tuning");
  const results = make("div");
  const resumable = make("div");
  let call: Call<Experiment> | null = null;
  const run = (what: Settings, before: readonly number[]) =>
    attempt(session, async () => {
      const losses = [...before];
      go.disabled = true;
      stop.disabled = false;
      resumable.replaceChildren();
      forgetUnfinished(session, what);
      progress.show(0, "preparing");
      call = session.client.call("tune", what, (event) => {
        if (event.what === "note") session.say(event.text);
        if (event.what !== "step" || stop.disabled) return;
        const { step, loss } = event.step;
        losses.length = step - 1;
        losses.push(loss);
        chart.replaceChildren(lossChart(losses, what.steps));
        progress.show(step / what.steps, `step ${step} of ${what.steps}, loss ${loss.toFixed(2)}`);
      });
      try {
        const made = await call;
        if (!session.experiments.some(({ id }) => id === made.id)) session.experiments.push(made);
        chart.replaceChildren(lossChart(made.losses, what.steps));
        history.replaceState(null, "", location.href.split("#")[0] + linkOf("tune", what));
        session.say(`${nameOf(made, opened)}: tuned.`);
        results.replaceChildren(outcome(session, made));
      } catch (error) {
        if (error instanceof Stopped) {
          session.unfinished = [...session.unfinished, { settings: what, losses }];
          offer({ settings: what, losses });
          session.say("Stopped.");
        }
        throw error;
      } finally {
        go.disabled = false;
        stop.disabled = true;
        progress.hide();
      }
    });
  /** A tuning that can go on where it was stopped. */
  const offer = ({ settings, losses }: Unfinished) => {
    chart.replaceChildren(lossChart(losses, settings.steps));
    const text = `${settings.arm}, stopped after ${losses.length} of ${settings.steps} steps`;
    resumable.replaceChildren(make(
      "p",
      {},
      `${text}. `,
      make("button", { type: "button", click: () => run(settings, losses) }, "Go on"),
      " ",
      make("button", {
        type: "button",
        click: () => {
          session.client.call("drop", settings);
          forgetUnfinished(session, settings);
          resumable.replaceChildren();
        },
      }, "Drop it"),
    ));
  };
  const go = goButton("Tune", () => run(settings(), []));
  const stop = make("button", {
    type: "button",
    disabled: true,
    click: () => {
      stop.disabled = true;
      call?.stop();
    },
  }, "Stop");
  const [left] = session.unfinished;
  if (left) offer(left);
  const last = session.experiments.at(-1);
  if (last) results.append(outcome(session, last));
  return make(
    "div",
    {},
    unknown === null ? "" : make("p", { class: "wrong", role: "alert" }, unknown),
    make(
      "form",
      { class: "card" },
      labelled("Arm: what the base is tuned on", arm),
      ownLabel,
      make(
        "div",
        { class: "row" },
        labelled("Examples", examples),
        labelled("Steps", steps),
        labelled("Learning rate", rate),
        labelled("Seed", seed),
      ),
      make("p", { class: "row" }, go, stop),
      progress.element,
      resumable,
      chart,
    ),
    results,
  );
}

function forgetUnfinished(session: Session, settings: Settings): void {
  const [text, ...others] = [settings, ...session.unfinished.map((one) => one.settings)]
    .map((one) => JSON.stringify(one));
  session.unfinished = session.unfinished.filter((_, i) => others[i] !== text);
}

/** What became of a tuning: answers side by side, its win rate, and a ranking. */
function outcome(session: Session, made: Experiment): HTMLElement {
  const { opened, client } = session;
  const answers = make("div", { class: "columns", "aria-live": "polite" });
  const ask = () =>
    attempt(session, async () => {
      const { instruction } = session;
      const models = [
        [BASE, "base"],
        ...session.experiments.slice(-3).map((one) => [one.id, nameOf(one, opened)] as const),
      ] as const;
      answers.replaceChildren(
        ...await Promise.all(models.map(async ([model, name]) => {
          const stories = await client.call("ask", { model, instruction, rules: null });
          const text = stories.map(({ token }) => token === "(end)" ? " ■" : token).join("");
          return make("div", { class: "card" }, make("h3", {}, name), make("p", {}, text));
        })),
      );
    });
  ask();
  const time = made.seconds === null ? "" : ` in ${made.seconds.toFixed(1)} s`;
  return make(
    "div",
    {},
    make("h3", {}, "Side by side"),
    make(
      "p",
      { class: "note" },
      `${nameOf(made, opened)}, tuned${time}; weights `,
      make("code", { class: "weights" }, made.hash.slice(0, 12)),
      ", the same for every reader.",
    ),
    instructionForm(session, "Ask all", ask),
    answers,
    judgingTuned(session, made),
    ranking(session),
  );
}

/** The judge of a tuned model. */
function judgingTuned(session: Session, made: Experiment): HTMLElement {
  const { opened, experiments } = session;
  const place = () => experiments.findIndex(({ id }) => id === made.id);
  return judging(session, {
    model: made.id,
    name: nameOf(made, opened),
    paper: paperRates(opened, made.settings.arm),
    rules: () => null,
    known: () => experiments[place()]?.winRate ?? null,
    keep: (winRate) => experiments[place()] = { ...made, winRate },
  });
}

/** Which of several responses a model finds likeliest, for one's own instruction. */
function ranking(session: Session): HTMLElement {
  const { opened, client } = session;
  const { prompts } = opened;
  const others = [40, 80, 120].map((i) => prompts[i]!);
  const own = prompts.find(({ instruction }) => instruction === session.instruction) ?? prompts[0]!;
  const field = ({ response }: Prompt) =>
    make("textarea", { class: "short", required: true }, response ?? "");
  const right = field(own), wrong = others.map(field);
  const result = make("div", { "aria-live": "polite" });
  const rank = () =>
    attempt(session, async () => {
      const models = [BASE, ...session.experiments.map(({ id }) => id)];
      const responses = [right, ...wrong].map(({ value }) => value);
      const { instruction } = session;
      const ranked = await client.call("rank", { models, instruction, responses });
      const rows = ranked.map(({ model, scores }) => {
        const one = session.experiments.find(({ id }) => id === model);
        const beaten = scores.slice(1).filter((score) => score < scores[0]!).length;
        const name = one ? nameOf(one, opened) : "base";
        return [
          name,
          ...scores.map((score) => score.toFixed(2).replace("-", "−")),
          `${beaten} of ${wrong.length}`,
        ];
      });
      const head = ["model", "right", ...wrong.map((_, i) => `wrong ${i + 1}`), "ranked below"];
      result.replaceChildren(table(head, rows));
    });
  return make(
    "details",
    { class: "card" },
    make("summary", {}, "Did it know all along? Rank responses to your instruction"),
    make(
      "form",
      {},
      labelled("The right response", right),
      ...wrong.map((field, i) => labelled(`A wrong one, ${i + 1}`, field)),
      make("p", {}, goButton("Rank", rank)),
      make("p", { class: "note" }, "Mean log-probability a token, in nats: higher is likelier."),
      result,
    ),
  );
}
