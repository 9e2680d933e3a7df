import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareKernel } from "./kernels.ts";
import { CellFailed, runNotebook } from "./run.ts";
import { notebookOf } from "../testing/sample.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

Deno.test({
  name: "tslab knows the library's types: a wrong argument is an error, a right one runs",
  ignore: !existsSync(join(root, ".cache", "tslab")), // 110 MB: `deno task tslab` fetches them
  async fn() {
    const { argv, env } = await prepareKernel("tslab", root);
    await mkdir(join(root, ".cache"), { recursive: true });
    const folder = await mkdtemp(join(root, ".cache", "types-")); // where node_modules is found
    try {
      const notebook = notebookOf(
        `import { intervalBars, showFigure, showTokens } from "implicit";`,
        `await showTokens([{ text: "Yes", target: true }]);
         await showFigure(intervalBars("Win rate", [{ label: "base", value: 2 }]));`,
        `await showTokens([{ text: "Yes", target: "yes" }]);`,
      );
      await assert.rejects(
        runNotebook(notebook, join(folder, "types.ipynb"), { argv, env }),
        (error) => {
          assert(error instanceof CellFailed);
          assert.equal(error.number, 3);
          assert.match(error.reason, /Type 'string' is not assignable to type 'boolean'/);
          return true;
        },
      );
      const shown = notebook.cells[1]!.outputs!.map((output) => "data" in output && output.data);
      assert.deepEqual(shown.map((data) => Object.keys(data as object)), [
        ["text/plain", "text/html"],
        ["text/plain", "image/svg+xml", "application/vnd.plotly.v1+json", "text/html"],
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});
