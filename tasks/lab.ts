/**
 * `deno task lab`: JupyterLab on the notebooks, with both kernels.
 */
import { join, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { registerForUser, startLab } from "@implicit/notebook";
import { orSayWhy, whole } from "./arguments.ts";

const options = new Command("deno task lab")
  .description(
    "Open the notebooks in JupyterLab with both kernels, Deno and tslab.\n" +
      "Needs JupyterLab (environment.yml); fetches tslab the first time.",
  )
  .option(
    "--port <n>",
    "port to listen on (default: the first free one from 8888)",
    whole(1, 65535),
  )
  .option("--no-browser", "do not open a browser")
  .option("--register", "only make both kernels known to your own Jupyter, and stop")
  .parse()
  .opts<{ port?: number; browser: boolean; register?: boolean }>();
const root = resolve(import.meta.dirname!, "..");

await orSayWhy(async () => {
  if (options.register) {
    console.log(`Both kernels are registered in ${await registerForUser(root)}`);
    process.exit(0);
  }
  console.log("Ctrl-C stops JupyterLab. Interrupting a cell keeps its finished runs.");
  const args = [
    ...(options.browser ? [] : ["--no-browser"]),
    ...(process.getuid?.() === 0 ? ["--allow-root"] : []),
  ];
  const folder = join(root, "notebooks");
  const lab = await startLab(root, { folder, args, port: options.port });
  process.on("SIGINT", () => {}); // JupyterLab asks the reader and ends by itself
  lab.on("exit", (code) => process.exit(code ?? 0));
});
