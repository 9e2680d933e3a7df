/**
 * Text to look at closely: tokens in colour, and what several models answered, side by side.
 *
 * Knows HTML that is legible in light and dark pages. It does not know tokenizers or models.
 */
import { display, escapeHtml } from "./display.ts";

/** One token of a strip: its text, whether the loss looks at it, and what to say on hovering. */
export interface StripToken {
  readonly text: string;
  /** Target of the loss (coloured) or not (grey). */
  readonly target: boolean;
  readonly title?: string;
}

/**
 * Shows tokens in a row, the targets of the loss in colour; blanks and line ends are made visible.
 * On a terminal, targets stand in ⟦brackets⟧.
 *
 * @example
 * await showTokens([{ text: "<|assistant|>\n", target: false }, { text: "Yes", target: true }]);
 */
export async function showTokens(
  tokens: readonly StripToken[],
  { caption = "" }: { caption?: string } = {},
): Promise<void> {
  const spans = tokens.map(({ text, target, title = "" }) => {
    const colour = target
      ? "background:rgba(43,133,201,.28);border-bottom:2px solid #2b85c9"
      : "background:rgba(128,134,142,.14);border-bottom:2px solid transparent;opacity:.75";
    const breaks = "<br>".repeat(text.split("\n").length - 1);
    return `<span title="${escapeHtml(title)}" style="${colour};border-radius:3px;` +
      `padding:1px 2px;margin:1px;white-space:pre-wrap">${
        escapeHtml(visible(text))
      }</span>${breaks}`;
  });
  const legend = `<span style="opacity:.75">${escapeHtml(caption)}${caption === "" ? "" : " · "}` +
    `blue: target of the loss · grey: context only</span>`;
  const targets = tokens.filter((token) => token.target).length;
  const text = tokens.map((token) => token.target ? `⟦${token.text}⟧` : token.text).join("");
  await display({
    "text/plain": `${caption || "Tokens"} (${targets} of ${tokens.length} are targets)\n${text}`,
    "text/html": `<div style="font:13px system-ui,sans-serif;margin:4px 0">${legend}</div>` +
      `<div style="font:13px/2 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere;` +
      `max-width:90ch">${spans.join("")}</div>`,
  });
}

/** One model's answer to an instruction. */
export interface ShownResponse {
  readonly model: string;
  readonly response: string;
  /** Said under the model's name: "passed", "score 0.4". */
  readonly note?: string;
}

/**
 * Shows what several models answered to one instruction, under each other. Line ends
 * are kept, a very long response scrolls, an empty one is named as such.
 *
 * @example
 * await showResponses("Name a river.", [{ model: "base", response: "Name a lake." }]);
 */
export async function showResponses(
  instruction: string,
  responses: readonly ShownResponse[],
): Promise<void> {
  const line = "1px solid rgba(128,134,142,.35)";
  const rows = responses.map(({ model, response, note = "" }) => {
    const answer = response.trim() === ""
      ? `<i style="opacity:.75">(nothing)</i>`
      : escapeHtml(response.trimEnd());
    const below = note &&
      `<br><small style="opacity:.75;font-weight:400">${escapeHtml(note)}</small>`;
    return `<div style="display:grid;grid-template-columns:minmax(8em,20%) 1fr;gap:12px;` +
      `padding:6px 4px;border-top:${line};font-size:13px">` +
      `<div style="font-weight:600">${escapeHtml(model)}${below}</div>` +
      `<div style="white-space:pre-wrap;overflow-wrap:anywhere;max-height:18em;overflow-y:auto">` +
      `${answer}</div></div>`;
  });
  const text = responses.map(({ model, response, note }) =>
    `${model}${note ? ` (${note})` : ""}:\n` + indent(response.trim() || "(nothing)")
  );
  await display({
    "text/plain": `Instruction: ${instruction}\n\n${text.join("\n")}`,
    "text/html": `<div style="font:14px/1.45 system-ui,sans-serif;max-width:90ch;margin:6px 0">` +
      `<div style="padding:6px 10px;margin-bottom:4px;border-left:4px solid #2b85c9;` +
      `background:rgba(43,133,201,.12);white-space:pre-wrap">${escapeHtml(instruction)}</div>` +
      `${rows.join("")}</div>`,
  });
}

/** Blanks and line ends as signs one can see. */
export function visible(token: string): string {
  return token.replaceAll(" ", "·").replaceAll("\n", "↵").replaceAll("\t", "⇥");
}

function indent(text: string): string {
  return text.split("\n").map((line) => `  ${line}`).join("\n");
}
