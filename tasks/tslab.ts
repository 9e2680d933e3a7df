/**
 * `deno task tslab`: makes the notebooks runnable in tslab. Fetches tslab the first time, and
 * bundles the library, which tslab cannot import as TypeScript.
 */
import { resolve } from "node:path";
import { Command } from "commander";
import { prepareKernel } from "@implicit/notebook";
import { orSayWhy } from "./arguments.ts";

new Command("deno task tslab")
  .description(
    "Fetch tslab (once) and write the library's bundle to node_modules/implicit.\n" +
      "Run it again after a change in lib/.",
  )
  .parse();

await orSayWhy(async () => {
  await prepareKernel("tslab", resolve(import.meta.dirname!, ".."), console.log);
  console.log("tslab is ready: deno task lab, or deno task reproduce --kernel tslab");
});
