/** Files in memory are written whole anyway. */
export { writeFile as default } from "../node.ts";
