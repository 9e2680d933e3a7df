/**
 * What having read an instruction is worth, within a family: sums and operations on words differ in how
 * often they were read and in how hard they are, so that rates over both would mix the two up.
 */
import { knownMean } from "./estimates.ts";
import { type CellResult, valuesOf } from "./grid.ts";

/**
 * The cells of new-instructions with a figure more, `gainWithin`: by how many points those of a
 * family's instructions that were read pass more often than its others, as a mean of both families.
 * Its instructions are sums in the first half and operations on words in the second.
 *
 * @example estimates(withinFamilies(cells), "gainWithin")
 */
export function withinFamilies(cells: readonly CellResult[]): CellResult[] {
  return cells.map((cell) => {
    const [read, fresh] = [cell.outcomes.passRead, cell.outcomes.passNew];
    if (read === undefined || fresh === undefined) return cell;
    const half = read.length / 2;
    const gains = [[0, half], [half, read.length]].map(([from, to]) =>
      knownMean(valuesOf(read.slice(from, to))) - knownMean(valuesOf(fresh.slice(from, to)))
    );
    return { ...cell, figures: { ...cell.figures, gainWithin: 100 * knownMean(gains) } };
  });
}
