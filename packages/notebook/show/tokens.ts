/**
 * A response token by token, and why each was chosen. Knows how that is read best; nothing of models
 * or rules, but that rules have names and add to logits.
 */
import type { Figure } from "./svg.ts";
import { axis, type Colour, escapePlotly, houseLayout, palette } from "./style.ts";

/** One of the tokens that may come next. */
export interface TokenScores {
  readonly token: string;
  /** Probability under the base model, 0 … 1. */
  readonly base: number;
  /** Probability under base and rules together, 0 … 1. */
  readonly adapted: number;
  /** Rule → what it added to this token's logit. */
  readonly pushes: Readonly<Record<string, number>>;
}

/** One generated token, and the one that the base alone would have chosen over it, if another. */
export interface TokenStep extends TokenScores {
  readonly rival?: TokenScores | null;
}

const RULES: readonly Colour[] = ["vermilion", "green", "purple", "ochre"];

/** A token as the axis names it: of a space before it nothing is seen. */
const word = ({ token }: TokenScores) => escapePlotly(token.trim() || token.replace("\n", "↵"));

/**
 * A response token by token: above, the chosen token's probability without and with the rules;
 * below, what each rule added to its logit. Where the base alone would have chosen another token,
 * this rival stands beside it, above as a cross and below in pale: a rule may have acted by pushing
 * it down, and then the chosen token itself has no bar.
 *
 * @example
 * const rival = { token: "What", base: 0.7, adapted: 0.03, pushes: { uniform: -4 } };
 * showFigure(tokenFigure("Why each token", [
 *   { token: "The", base: 0.1, adapted: 0.6, pushes: { uniform: 0 }, rival },
 * ]));
 */
export function tokenFigure(title: string, steps: readonly TokenStep[]): Figure {
  const places = steps.map((step, i) => ({ ...step, i }));
  const beaten = places.flatMap(({ rival, i }) => rival ? [{ ...rival, i }] : []);
  const names = [...new Set(steps.flatMap((step) => Object.keys(step.pushes)))];
  const labels = steps.map((step) =>
    step.rival ? `${word(step)} (${word(step.rival)})` : word(step)
  );
  const probability = (name: string, key: "base" | "adapted", colour: Colour, dash: string) => ({
    type: "scatter",
    mode: "lines+markers",
    name,
    x: places.map(({ i }) => i),
    y: places.map((step) => step[key]),
    text: places.map(word),
    line: { color: palette[colour], width: 1.6, dash },
    marker: { size: 6, symbol: key === "base" ? "circle-open" : "circle" },
    hovertemplate: `“%{text}”: %{y:.3f}<extra>${name}</extra>`,
  });
  const rivals = (name: string, key: "base" | "adapted", colour: Colour) => ({
    type: "scatter",
    mode: "markers",
    name,
    x: beaten.map(({ i }) => i),
    y: beaten.map((rival) => rival[key]),
    text: beaten.map(word),
    marker: { size: 9, symbol: "x-thin", line: { color: palette[colour], width: 2 } },
    hovertemplate: `“%{text}”: %{y:.3f}<extra>${name}</extra>`,
  });
  const bars = (list: readonly (TokenScores & { i: number })[], aside: number, rival: boolean) =>
    names.map((name, n) => ({
      type: "bar",
      name: rival ? `${name}, on the rival` : name,
      legendgroup: name,
      showlegend: !rival,
      x: list.map(({ i }) => i + aside),
      y: list.map(({ pushes }) => pushes[name] ?? 0),
      width: 0.38,
      text: list.map(word),
      textposition: "none",
      yaxis: "y2",
      opacity: rival ? 0.45 : 1,
      marker: { color: palette[RULES[n % RULES.length]!] },
      hovertemplate: `“%{text}”: %{y:+.2f}<extra>${name}${rival ? ", rival" : ""}</extra>`,
    }));
  return {
    data: [
      probability("base", "base", "grey", "dot"),
      probability("base with rules", "adapted", "blue", "solid"),
      ...(beaten.length === 0 ? [] : [
        rivals("rival, base", "base", "grey"),
        rivals("rival, with rules", "adapted", "blue"),
      ]),
      ...bars(places, -0.2, false),
      ...(beaten.length === 0 ? [] : bars(beaten, 0.2, true)),
    ],
    layout: houseLayout(title, {
      width: Math.max(720, Math.min(1100, 120 + 20 * steps.length)),
      height: 560,
      barmode: "relative",
      xaxis: axis("token (in its place the base alone would have said)", {
        tickvals: places.map(({ i }) => i),
        ticktext: labels,
        tickangle: -90,
        anchor: "y2",
      }),
      yaxis: axis("probability", { domain: [0.56, 1], range: [0, 1.03] }),
      yaxis2: axis("added (pale: to the rival)", { domain: [0, 0.46] }),
    }),
  };
}
