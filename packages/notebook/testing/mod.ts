/** What tests a project's notebooks: their types, and a look at them in a real browser. */
export { browse, type Theme, themes } from "./browse.ts";
export { checkNotebooks, type TypeFault } from "./check.ts";
export { lookAtPages } from "./pages.ts";
export { lostNames } from "./names.ts";
export { ctrlC, type Life, live } from "./life.ts";
