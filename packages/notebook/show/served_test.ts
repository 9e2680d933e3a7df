import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveFolder } from "./served.ts";

Deno.test("serveFolder() gives a folder's files, and none beside it", async () => {
  const outside = await mkdtemp(join(tmpdir(), "served-"));
  const folder = join(outside, "page");
  await mkdir(join(folder, "data"), { recursive: true });
  await writeFile(join(outside, "secret.txt"), "secret");
  await writeFile(join(folder, "index.html"), "<p>hello");
  await writeFile(join(folder, "data", "a b.json"), "[1]");
  const { url, close } = await serveFolder(folder);
  /** Asks as no browser would: `fetch` takes the dots out of an address. */
  const get = (path: string) =>
    new Promise<string>((resolve, reject) => {
      request(`${url}x`, { path }, (response) => {
        let text = `${response.statusCode} ${response.headers["content-type"]} `;
        response.on("data", (part) => text += part).on("end", () => resolve(text));
      }).on("error", reject).end();
    });
  try {
    assert.equal(await get("/"), "200 text/html; charset=utf-8 <p>hello");
    assert.equal(await get("/data/a%20b.json"), "200 application/json [1]");
    assert.match(await get("/none.js"), /^404 /);
    for (const path of ["/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/data"]) {
      assert.match(await get(path), /^404 /, path);
    }
    assert.match(await get("/%"), /^404 /);
  } finally {
    close();
    await rm(outside, { recursive: true });
  }
});
