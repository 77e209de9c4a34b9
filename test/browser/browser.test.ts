import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { build } from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tenDigits } from "../../examples/digits/data.js";
import { createAnalyzer, listAnalyzers } from "../../src/analyzers/index.js";
import { modelWoSoftmax } from "../../src/graph/index.js";
import { init } from "../../src/kernels/index.js";
import { chromiumPath, launch, serve } from "../support/browser.js";
import { digitsModel, digitsModelPath } from "../support/digits.js";

const test = suite("browser");
const folder = mkdtempSync(join(tmpdir(), "tracelight-browser-"));
const binaries = fileURLToPath(
  new URL("../../node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/", import.meta.url),
);
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const CSP = { "content-security-policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" };
const pixels = [...tenDigits().images.subarray(3 * 784, 4 * 784)];

test.before(async () => {
  const page = fileURLToPath(new URL("page.js", import.meta.url));
  await build({
    entryPoints: [page],
    bundle: true,
    format: "esm",
    platform: "browser",
    outfile: join(folder, "page.js"),
    logLevel: "error",
  });
  writeFileSync(
    join(folder, "index.html"),
    '<!doctype html><canvas id="heatmap"></canvas><script type="module" src="page.js"></script>',
  );
});
test.after(() => rmSync(folder, { recursive: true }));

/** Opens the page and runs one of its functions. Anything it says on the console, and any error, fails if `silent`. */
async function onPage<T>(
  headers: Record<string, string>,
  name: string,
  argument: unknown,
  { silent = true } = {},
): Promise<T> {
  const server = await serve([folder, digitsModelPath, binaries], headers);
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const said: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    await page.goto(`${server.url}/index.html`);
    await page.waitForFunction("window.explain !== undefined");
    const result = await page.evaluate(
      ([n, a]) => (window as unknown as Record<string, (x: unknown) => Promise<unknown>>)[n as string]!(a),
      [name, argument],
    );
    if (silent) assert.equal(said, []);
    return result as T;
  } finally {
    await browser.close();
    server.close();
  }
}

interface Explained {
  backend: string;
  shared: boolean;
  relevances: Record<string, number[]>;
}

if (chromiumPath === null) {
  console.log("skipped: the browser tests: Debian's chromium is not installed (apt-get install chromium)");
  test.skip("explains a digit in Chromium", () => {});
} else {
  for (const [what, headers, shared] of [
    ["on a plain page, with the single-thread WASM backend", {}, false],
    ["on a cross-origin isolated page, with the threaded backend and shared memory", ISOLATED, true],
    ["under a content security policy with wasm-unsafe-eval", CSP, false],
  ] as const) {
    test(`every method gives in Chromium what it gives in Node, ${what}`, async () => {
      await init();
      const got = await onPage<Explained>(headers, "explain", pixels);
      assert.equal([got.backend, got.shared], ["wasm", shared]);
      const logits = modelWoSoftmax(await digitsModel());
      for (const [name, relevance] of Object.entries(got.relevances)) {
        const want = (
          createAnalyzer(name, logits).analyze(tf.tensor(pixels, [1, 28, 28, 1])) as tf.Tensor
        ).dataSync();
        const largest = Math.max(...relevance.map(Math.abs));
        want.forEach((v: number, i: number) =>
          assert.ok(Math.abs(v - relevance[i]!) <= 1e-5 * largest, `${name} at ${i}`),
        );
      }
      const all = listAnalyzers().filter(({ options }) => options.every(({ required }) => !required));
      assert.equal(
        Object.keys(got.relevances),
        all.map(({ name }) => name),
      );
    });
  }

  test("the seed's backend functions and their gradients are alike on wasm, on wasm with shared memory, and on webgl", async () => {
    interface Results {
      backend: string;
      values: number[][];
      messages: string[];
    }
    const want = await onPage<Results>({}, "backendFunctions", "wasm");
    assert.equal(want.messages, [
      "IndexError: gather: indices[0] = 3 is outside [0, 3)",
      "IndexError: gatherNd: indices[0] = [0, 2] is outside shape [3, 2]",
    ]);
    for (const [headers, backend] of [
      [ISOLATED, "wasm"],
      [{}, "webgl"],
    ] as const) {
      // SwiftShader tells of its slowness.
      const got = await onPage<Results>(headers, "backendFunctions", backend, { silent: backend === "wasm" });
      assert.is(got.backend, backend);
      assert.equal(got.messages, want.messages);
      want.values.forEach((values, i) => {
        assert.is(got.values[i]!.length, values.length);
        values.forEach((v, k) => assert.ok(Math.abs(v - got.values[i]![k]!) < 1e-5, `${backend} ${i}: ${k}`));
      });
    }
  });

  test("where the threaded backend's workers are blocked, init gives up in time and says what to do", async () => {
    const blocked = { ...ISOLATED, ...CSP };
    const message = await onPage<string>(blocked, "blockedInit", null, { silent: false });
    assert.match(
      message,
      /KernelLoadError: init: TensorFlow\.js's WASM backend did not start within 1500 ms.*worker-src 'self' blob:.*WASM_HAS_MULTITHREAD_SUPPORT/,
    );
  });

  test("the core works in a page whose content security policy allows wasm-unsafe-eval, and says what is missing where it does not", async () => {
    assert.is(await onPage<number>(CSP, "coreAlone", null), 2);
    const strict = { "content-security-policy": "default-src 'self'" };
    let message = "";
    try {
      await onPage<number>(strict, "coreAlone", null);
    } catch (error) {
      message = String(error);
    }
    assert.match(
      message,
      /loadCore: the kernels could not be compiled from bytes here .*a content security policy needs 'wasm-unsafe-eval'/,
    );
  });
}

test.run();
