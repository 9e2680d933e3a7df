/** What the page in a browser tab (web/) needs beside what notebooks do. */
export { ruleAdapter } from "./adapt/rules.ts";
export { type TokenScores, type TokenStory, traceRules } from "./adapt/trace.ts";
export { type Arm, armHash, arms, checkArm, tuningOf } from "./study/arm.ts";
export { checkerJudge } from "./study/judges.ts";
export { miniature } from "./study/miniature.ts";

export { rankResponses } from "./study/rank.ts";
export { type PaperRow, paperRows, unseenFamilies, winTable } from "./study/results.ts";
export { type Answer, answerPrompts, encodedExamples, type Run, tuneArm } from "./study/run.ts";
export { asTuned, type Base, type Prompt, type Scale } from "./study/scale.ts";
export { encodePair, type Example } from "./text/example.ts";
export { formatPrompt, templates } from "./text/template.ts";
export { type StepInfo, tune } from "./tune/tune.ts";
