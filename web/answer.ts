/** An answer token by token: how sure the model was, what came nearest, and which rule decided. */
import { make, table } from "./elements.ts";
import type { TokenScores, TokenStory } from "implicit/web";

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
const shown = (token: string) => token.replaceAll("\n", "↵").replace(/^ /, "␣") || "␀";

/** The rule that did most to put the chosen token before the base's own choice, or null. */
export function decidingRule({ pushes, rival }: TokenStory): string | null {
  if (rival === null) return null;
  const gains = Object.keys(pushes).map((rule) => (
    { rule, by: pushes[rule]! - rival.pushes[rule]! }
  ));
  const [most] = gains.sort((a, b) => b.by - a.by);
  return most && most.by > 0 ? most.rule : null;
}

/**
 * Shows tokens as they come; a press on one tells of its rivals. To the keyboard it is one stop, within
 * which the arrows go from token to token.
 */
export class AnswerView {
  private readonly line = make("div", {
    class: "answer",
    role: "toolbar",
    "aria-label": "The answer, token by token",
    keydown: (event: KeyboardEvent) => this.move(event),
  });
  private readonly story = make("div", { "aria-live": "polite" });
  readonly element = make("div", {}, this.line, this.story);

  clear(): void {
    this.line.replaceChildren();
    this.story.replaceChildren();
  }

  add(story: TokenStory): void {
    const rule = decidingRule(story);
    const sure = story.adapted > 0.9 ? "sure" : story.adapted > 0.5 ? "half" : "";
    const ended = story.token === "(end)";
    const button = make("button", {
      class: `token ${rule ?? sure}`,
      type: "button",
      tabindex: this.line.childElementCount === 0 ? 0 : -1,
      "aria-pressed": "false",
      "aria-label": `${ended ? "end of the answer" : story.token}, ${percent(story.adapted)}` +
        (rule ? `, decided by the rule ${rule}` : ""),
      click: () => {
        for (const other of this.line.querySelectorAll(".token")) {
          other.setAttribute("aria-pressed", String(other === button));
        }
        this.tell(story);
      },
    }, ended ? "■" : story.token.replaceAll("\n", "↵\n"));
    this.line.append(button);
  }

  /** Moves the focus to a token before or behind the one that has it. */
  private move(event: KeyboardEvent): void {
    const tokens = [...this.line.querySelectorAll<HTMLElement>(".token")];
    const at = tokens.findIndex((token) => token === document.activeElement);
    const to =
      { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tokens.length - 1 }[event.key];
    const token = to === undefined ? undefined : tokens[to];
    if (!token) return;
    event.preventDefault();
    tokens.forEach((one) => one.tabIndex = one === token ? 0 : -1);
    token.focus();
  }

  private tell(story: TokenStory): void {
    const rules = Object.keys(story.pushes);
    const row = (score: TokenScores) => [
      shown(score.token),
      percent(score.base),
      ...(rules.length > 0 ? [percent(score.adapted)] : []),
      ...rules.map((rule) =>
        score.pushes[rule] ? score.pushes[rule]!.toFixed(2).replace("-", "−") : "–"
      ),
    ];
    const head = ["token", "alone", ...(rules.length > 0 ? ["with rules"] : []), ...rules];
    const all = [story, ...story.others, ...story.rival ? [story.rival] : []];
    const distinct = [...new Map(all.map((score) => [score.id, score])).values()];
    this.story.replaceChildren(table(head, distinct.map(row)));
  }
}
