import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ModelFormatError, UnsupportedLayerError } from "../../../src/errors.js";
import { loadModel } from "../../../src/io/index.js";
import { randomSource } from "../../support/arrays.js";
import { rejects } from "../../support/throws.js";

const folder = fileURLToPath(new URL("../../golden/hdf5/", import.meta.url));
const bytesOf = (name: string) => Uint8Array.from(readFileSync(folder + name));

test.before(async () => {
  await tf.setBackend("cpu");
});

test("arrays are read however they are stored: compact, in chunks, packed, in part or not at all, of any number type", async () => {
  // The file begins with 512 bytes of nobody's, too.
  const model = await loadModel(bytesOf("storage.h5"));
  const kernels = model.layers.map((layer) => [layer.name, [...layer.getWeights()[0]!.dataSync()]]);
  assert.equal(kernels, [
    ["compact", [1, 2, 3, 4]],
    ["gzip", [1, 2, 3, 4]],
    ["wider", [1, 2, 3, 4]],
    ["partial", [7, 7, 3, 4]],
    ["unwritten", [7, 7, 7, 7]],
    ["half", [1, 2, 3, 4]],
    ["double", [1, 2, 3, 4]],
    ["whole", [1, 2, 3, 4]],
  ]);
  model.dispose();
});

const at = (bytes: Uint8Array, text: string, from = 0): number =>
  new TextDecoder("latin1").decode(bytes).indexOf(text, from);

/** storage.h5 with a number written somewhere behind a text. */
function changed(text: string, offset: number, value: number): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf("storage.h5");
  const found = at(bytes, text, 512);
  assert.ok(found > 0, text);
  new DataView(bytes.buffer).setUint32(found + offset, value, true);
  return bytes;
}

const cases: [string, () => Uint8Array<ArrayBuffer>, RegExp][] = [
  [
    "values in another file",
    () => bytesOf("external.h5"),
    /^loadModel: the bytes given: model_weights\/dense\/kernel lies in another file$/,
  ],
  [
    "a compression that is not read",
    () => bytesOf("lzf.h5"),
    /model_weights\/dense\/kernel is compressed by filter 32000 \(lzf\), which is not read; gzip is$/,
  ],
  [
    // Its dataspace, which is of version 1 and one dimension, stands after the name and the type, 8 bytes each.
    "a list of more names than the file has bytes",
    () => changed("weight_names", 16 + 8 + 8, 2 ** 30),
    /the attributes of model_weights\/compact cannot be read, the file is damaged: expected \d+ bytes at \d+, the file has \d+$/,
  ],
  [
    "a heap that is none",
    () => changed("GCOL", 0, 0),
    /the attributes of \/ cannot be read, the file is damaged: expected a heap at \d+, got other bytes$/,
  ],
  [
    "a tree of chunks that is none",
    () => {
      const bytes = bytesOf("storage.h5");
      // Trees of groups say 0 there, those of chunks 1.
      for (let i = at(bytes, "TREE"); i >= 0; i = at(bytes, "TREE", i + 4))
        if (bytes[i + 4] === 1) bytes[i] = 0;
      return bytes;
    },
    /gzip\/kernel cannot be read, the file is damaged: expected a tree of chunks at \d+, got other bytes$/,
  ],
];
/** An HDF5 file of nothing but a root group, whose tree of names leads to one table twice. */
function tangled(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1024);
  const view = new DataView(bytes.buffer);
  const [header, heap, tree, table] = [96, 200, 300, 600] as const;
  const text = (word: string, to: number) => bytes.set(new TextEncoder().encode(word), to);
  const address = (to: number, value: number) => view.setBigUint64(to, BigInt(value), true);
  bytes.set([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
  bytes.set([8, 8], 13);
  address(64, header);
  // One message, of 16 bytes, which says where the tree and its names are.
  bytes.set([1, 0, 1, 0, 1, 0, 0, 0, 24], header);
  bytes.set([0x11, 0, 16], header + 16);
  address(header + 24, tree);
  address(header + 32, heap);
  text("HEAP", heap);
  address(heap + 8, 16);
  address(heap + 24, heap + 32);
  text("TREE", tree);
  view.setUint16(tree + 6, 2, true);
  address(tree + 32, table);
  address(tree + 48, table);
  text("SNOD", table);
  return bytes;
}
cases.push([
  "a tree that leads to the same names again and again",
  tangled,
  /the HDF5 file cannot be read, the file is damaged: its tree comes to 600 twice$/,
]);

for (const [what, bytes, message] of cases) {
  test(`refused in one sentence: ${what}`, () => rejects(loadModel(bytes()), ModelFormatError, message));
}

test("with bytes changed anywhere a file opens or is refused in our words, and nothing is left or said on the console", async () => {
  const whole = bytesOf("storage.h5");
  const random = randomSource(3);
  const said: unknown[] = [];
  const warn = console.warn;
  console.warn = (...args) => said.push(args);
  const tensors = tf.memory().numTensors;
  for (let run = 0; run < 400; run++) {
    const bytes = Uint8Array.from(whole);
    for (let flips = 0; flips <= run % 3; flips++)
      bytes[512 + Math.floor(random() * (bytes.length - 512))] = Math.floor(random() * 256);
    try {
      (await loadModel(bytes)).dispose();
    } catch (error) {
      const known = error instanceof ModelFormatError || error instanceof UnsupportedLayerError;
      assert.ok(known, `run ${run}: ${String((error as Error).stack)}`);
      assert.not.match((error as Error).message, /undefined|NaN|is not a function|Invalid|Offset is outside/);
    }
    assert.is(tf.memory().numTensors, tensors, `run ${run}`);
  }
  console.warn = warn;
  assert.equal(said, []);
});

test.run();
