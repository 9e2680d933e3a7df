/**
 * Prose that is made, not typed: Markdown as HTML, and as plain text for a terminal.
 *
 * Knows Markdown. It trusts nothing in it: tags are shown as they are written, pictures are left to
 * their words, and a link leads to a page of the web or beside this one.
 */
import { Marked } from "marked";
import { display, escapeHtml } from "./display.ts";

/**
 * Shows Markdown: paragraphs, lists, emphasis, tables, links.
 *
 * @example await showMarkdown("**41.9 %** of them, see [the paper](https://arxiv.org/abs/2409.14254).");
 */
export async function showMarkdown(text: string): Promise<void> {
  await display({ "text/plain": text.replaceAll("**", ""), "text/html": markdownHtml(text) });
}

/** The text as HTML in which nothing acts. */
export function markdownHtml(text: string): string {
  const html = String(markdown.parse(text));
  return `<div style="font:14px/1.5 system-ui,sans-serif;max-width:90ch">${html}</div>`;
}

const markdown = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => escapeHtml(text),
    image: ({ text }) => escapeHtml(text),
    link({ href, tokens }) {
      const words = this.parser.parseInline(tokens);
      return leadsOn(href) ? `<a href="${escapeHtml(href)}">${words}</a>` : words;
    },
  },
});

/** Whether an address is of the web, or relative: no other scheme, such as one that runs code. */
export function leadsOn(address: string): boolean {
  const base = "https://here.invalid/";
  return URL.canParse(address, base) && /^https?:$/.test(new URL(address, base).protocol);
}
