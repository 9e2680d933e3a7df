/** What the tests of other rooms need: a hub on this machine, and other programs to compare with. */
export { startHub } from "./loopback.ts";
export { ifInstalled } from "./peers.ts";
export { writeEncoder } from "./encoder.ts";
