/** The label of a token that is no target. By itself, since training knows labels and no texts. */
export const IGNORED = -100;
