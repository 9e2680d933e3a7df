/**
 * `deno task lab`: JupyterLab on the notebooks, with both kernels.
 */
import { join, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { registerForUser, startLab, workingCopy } from "@implicit/notebook";
import { orSayWhy, whole } from "./arguments.ts";

const options = new Command("deno task lab")
  .description(
    "Open a copy of the notebooks, in work/, in JupyterLab with both kernels, Deno and tslab.\n" +
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
  const folder = join(root, "work");
  const fresh = await workingCopy(join(root, "notebooks"), folder);
  if (fresh.length > 0) console.log(`Copied to work/: ${fresh.join(", ")}`);
  console.log(
    "What you change stays in work/. To get an original back, delete or rename its copy and start\n" +
      "this again. Interrupting a cell keeps its finished runs. Ctrl-C, twice, stops JupyterLab.",
  );
  const args = [
    ...(options.browser ? [] : ["--no-browser"]),
    ...(process.getuid?.() === 0 ? ["--allow-root"] : []),
  ];
  const lab = await startLab(root, { folder, args, port: options.port });
  // At a terminal JupyterLab hears Ctrl-C as well, asks the reader, and ends by itself.
  process.on("SIGINT", () => process.stdin.isTTY || lab.kill("SIGTERM"));
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => lab.kill("SIGTERM"));
  }
  lab.on("exit", (code) => process.exit(code ?? 0));
});
