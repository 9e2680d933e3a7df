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

/** Shows tokens as they come; a press on one tells of its rivals. */
export class AnswerView {
  private readonly line = make("div", { class: "answer", "aria-live": "off" });
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
