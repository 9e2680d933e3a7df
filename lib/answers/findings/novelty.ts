/** What the studies of new and forbidden instructions answer. */
import type { Finding } from "../finding.ts";

export const noveltyFindings: readonly Finding[] = [];
