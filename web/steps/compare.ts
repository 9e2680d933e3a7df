/** The last step: every model of the session beside the others, to keep and to share. */
import { rateChart, type RateRow } from "../charts.ts";
import { make, save, table } from "../elements.ts";
import { linkOf } from "../link.ts";
import type { Experiment } from "../protocol.ts";
import { attempt, nameOf, paperRates, rateText, type Session, type Step } from "../session.ts";

export const compare: Step = {
  name: "compare",
  title: "4 Compare and keep",
  show(session) {
    const place = make("section");
    const draw = () => place.replaceChildren(...content(session, draw));
    draw();
    return place;
  },
};

function content(session: Session, draw: () => void): HTMLElement[] {
  const { experiments, opened, untuned } = session;
  const rows: RateRow[] = [
    ...(["base", "rules"] as const).map((kind) => ({
      label: kind,
      rate: untuned.get(kind)?.rate ?? null,
      paper: paperRates(opened, kind),
    })),
    ...experiments.map((one) => ({
      label: nameOf(one, opened),
      rate: one.winRate,
      paper: paperRates(opened, one.settings.arm),
    })),
  ];
  const head = ["model", "win rate", "last loss", "seconds", "weights", "keep"];
  const cells = experiments.map((one) => [
    nameOf(one, opened),
    one.winRate ? rateText(one.winRate) : "not judged",
    one.losses.at(-1)!.toFixed(3),
    one.seconds?.toFixed(1) ?? "–",
    make("code", {}, one.hash.slice(0, 12)),
    actions(session, one, draw),
  ]);
  return [
    make("h2", {}, "What does it take to follow instructions?"),
    make(
      "p",
      { class: "lead" },
      "Everything that you have made in this browser, beside the paper's numbers.",
    ),
    make("figure", { class: "card" }, rateChart(rows)),
    cells.length > 0
      ? table(head, cells)
      : make("p", {}, "No model yet: ", make("a", { href: "#tune" }, "tune one"), "."),
    make("p", {}, make("button", { click: () => saveResults(session) }, "Save results (JSON)")),
  ];
}

function actions(session: Session, one: Experiment, draw: () => void): HTMLElement {
  const { client, experiments } = session;
  const work = (go: () => Promise<void>) => () => attempt(session, go);
  return make(
    "span",
    { class: "row" },
    make("button", {
      click: work(async () => save(`${one.id}.zip`, await client.call("export", one.id))),
    }, "Export"),
    make("button", {
      click: work(async () => {
        const link = location.href.split("#")[0] + linkOf("tune", one.settings);
        await navigator.clipboard.writeText(link).catch(() => {
          throw new Error(`The clipboard is closed to this page; the link is ${link}`);
        });
        session.say("The link is in the clipboard: whoever opens it can make the same model.");
      }),
    }, "Copy link"),
    make("button", {
      click: work(async () => {
        await client.call("forget", one.id);
        experiments.splice(experiments.indexOf(one), 1);
        draw();
      }),
    }, "Forget"),
  );
}

/** Everything that determines the results, with them. */
function saveResults({ experiments, opened, untuned }: Session): void {
  const results = {
    base: opened.base,
    onnxruntime: opened.engine,
    prompts: opened.prompts.length,
    untuned: Object.fromEntries(untuned),
    experiments,
    browser: navigator.userAgent,
  };
  save("results.json", JSON.stringify(results, null, 2));
}
