/**
 * The glossary of the course: a Markdown file with a heading for each term, and at the end of its
 * text the notebook where it is first met. Knows its form, not the terms.
 */

/** A term, and the notebook (its name without ending) where it is first met. */
export interface Term {
  readonly term: string;
  readonly notebook: string;
}

/**
 * The terms of a glossary, in its order.
 *
 * @throws if a term does not end with the notebook where it is first met.
 * @example
 * ```ts
 * const terms = glossaryTerms(await readFile("notebooks/glossary.md", "utf8"));
 * ```
 */
export function glossaryTerms(text: string): Term[] {
  return text.split(/^## /m).slice(1).map((part) => {
    const [term = ""] = part.split("\n", 1);
    const met = /First\s+met\s+in\s+\[[^\]]*\]\(([^)]+)\.ipynb\)\.\s*$/.exec(part);
    if (!met) {
      throw new Error(
        `Expected "${term}" in the glossary to end with "First met in [NN · Title](file.ipynb)." ` +
          `but found "${part.trim().slice(-60)}": add the notebook.`,
      );
    }
    return { term, notebook: decodeURIComponent(met[1]!) };
  });
}

/** The end of a link to a heading, as GitHub and JupyterLab make it of one in small letters. */
export const anchorOf = (heading: string) => heading.replaceAll(" ", "-");
