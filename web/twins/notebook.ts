/** What the library wants of a notebook, where there is none: progress that nobody sees. */
export const progress = () => ({ update() {}, done: () => Promise.resolve() });
