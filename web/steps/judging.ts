/** How often a model wins, judged on demand over all validation instructions. */
import { Stopped } from "../client.ts";
import { make, Progress } from "../elements.ts";
import type { Rate, RuleSettings } from "../protocol.ts";
import { attempt, rateText, type Session } from "../session.ts";

/** What is judged, and where its rate lives. */
export interface Judged {
  /** An experiment's id, or the base. */
  readonly model: string;
  /** What the verdict calls it. */
  readonly name: string;
  /** The paper's rates of its arm, percent. */
  readonly paper: readonly number[];
  /** The rules as they are set when the judge begins; null without rules. */
  rules(): RuleSettings | null;
  /** What is known already, or null. */
  known(): Rate | null;
  keep(rate: Rate, rules: RuleSettings | null): void;
}

/** A card with a button that judges, one that stops it, and the verdict. */
export function judging({ client, opened, say }: Session, judged: Judged): HTMLElement {
  const result = make("p", { class: "verdict", "aria-live": "polite" });
  const progress = new Progress("judging");
  const show = () => {
    const rate = judged.known();
    if (rate === null) return;
    const paper = judged.paper.map((one) => `${one} %`).join(" and ");
    result.textContent = `${judged.name} wins ${rateText(rate)} of ${rate.n} instructions ` +
      `against the instruction-tuned base.` + (paper === "" ? "" : ` In the paper: ${paper}.`);
  };
  show();
  const judge = () =>
    attempt({ say }, async () => {
      const rules = judged.rules();
      const call = client.call("winRate", { model: judged.model, rules }, (event) => {
        if (event.what === "share") progress.show(event.done, "answering and judging");
      });
      stop.onclick = () => call.stop();
      go.disabled = true;
      stop.hidden = false;
      progress.show(0, "answering");
      try {
        judged.keep(await call, rules);
        show();
      } catch (error) {
        if (error instanceof Stopped) say("Stopped.");
        throw error;
      } finally {
        go.disabled = false;
        stop.hidden = true;
        progress.hide();
      }
    });
  const go = make(
    "button",
    { type: "button", click: judge },
    `Judge ${opened.prompts.length} answers`,
  );
  const stop = make("button", { type: "button", hidden: true }, "Stop judging");
  return make(
    "div",
    { class: "card" },
    make("h3", {}, "How often does it win?"),
    make("p", { class: "row" }, go, stop),
    progress.element,
    result,
  );
}
