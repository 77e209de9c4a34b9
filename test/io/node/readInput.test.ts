import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, InputFormatError } from "../../../src/errors.js";
import { readInput } from "../../../src/io/node/readInput.js";
import { encodeNpy } from "../../../src/io/npy.js";
import { encodePng } from "../../../src/report/png.js";
import { rejects } from "../../support/throws.js";
import { temporaryFolder } from "./temporaryFolder.js";

const folder = temporaryFolder();
function file(name: string, content: Uint8Array | string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}
/** A PNG of RGBA pixels. */
const png = (name: string, width: number, height: number, pixels: number[]) =>
  file(name, encodePng({ width, height, pixels: new Uint8ClampedArray(pixels) }));
const close = (actual: Float32Array, expected: number[], tolerance = 1e-6) =>
  assert.ok(
    actual.length === expected.length &&
      actual.every((v, i) => Math.abs(v - (expected[i] as number)) <= tolerance),
    `expected ${expected}, got ${actual}`,
  );

const twoByTwo = [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 51, 102, 153, 255];

test("an image of the model's size is its bytes in [0, 1], row by row, with a batch dimension of one", async () => {
  const { data, shape } = await readInput(png("rgb.png", 2, 2, twoByTwo), { shape: [2, 2, 3] });
  assert.equal(shape, [1, 2, 2, 3]);
  close(data, [1, 0, 0, 0, 1, 0, 0, 0, 1, 0.2, 0.4, 0.6]);
});

test("the range is what black and white become", async () => {
  const path = png("range.png", 3, 1, [0, 0, 0, 255, 255, 255, 255, 255, 51, 51, 51, 255]);
  close((await readInput(path, { shape: [1, 3, 1], range: [-1, 1] })).data, [-1, 1, -0.6]);
  close((await readInput(path, { shape: [1, 3, 1], range: [0, 255] })).data, [0, 255, 51]);
});

test("for a model of one channel colours become gray with the weights of Rec. 601, as in Keras", async () => {
  const { data, shape } = await readInput(png("gray.png", 2, 2, twoByTwo), {
    shape: [2, 2, 1],
    range: [0, 255],
  });
  assert.equal(shape, [1, 2, 2, 1]);
  close(data, [76, 150, 29, 93]);
});

test("a gray image fills the three channels of a colour model", async () => {
  const path = file(
    "g.png",
    await sharp(Buffer.from([10, 200]), { raw: { width: 2, height: 1, channels: 1 } })
      .png()
      .toBuffer(),
  );
  close((await readInput(path, { shape: [1, 2, 3], range: [0, 255] })).data, [10, 10, 10, 200, 200, 200]);
});

test("images of 16 bits a channel are scaled to the same range", async () => {
  const raw = { width: 2, height: 1, channels: 1 as const };
  const sixteen = await sharp(new Uint16Array([0, 65535]), { raw })
    .toColourspace("grey16")
    .png()
    .toBuffer();
  assert.is((await sharp(sixteen).metadata()).depth, "ushort");
  close((await readInput(file("16.png", sixteen), { shape: [1, 2, 1] })).data, [0, 1]);
});

test("what is transparent is white", async () => {
  const path = png("alpha.png", 2, 1, [0, 0, 0, 0, 0, 0, 0, 255]);
  close((await readInput(path, { shape: [1, 2, 1] })).data, [1, 0]);
});

test("an image of another size is resized to the model's, without regard to the aspect", async () => {
  const pixels = Array.from({ length: 40 * 20 }, (_, i) =>
    i % 40 < 20 ? [255, 255, 255, 255] : [0, 0, 0, 255],
  ).flat();
  const { data, shape } = await readInput(png("wide.png", 40, 20, pixels), { shape: [4, 4, 1] });
  assert.equal(shape, [1, 4, 4, 1]);
  close(data, Array(4).fill([1, 1, 0, 0]).flat(), 0.15);
});

test("a model that takes images of any size gets the image's own", async () => {
  const path = png("any.png", 2, 2, twoByTwo);
  assert.equal((await readInput(path, { shape: [null, null, 3] })).shape, [1, 2, 2, 3]);
});

test("JPEG, WebP, GIF and TIFF files are read by their content, not by their name", async () => {
  const source = sharp({
    create: { width: 4, height: 4, channels: 3, background: { r: 200, g: 100, b: 50 } },
  });
  for (const format of ["jpeg", "webp", "gif", "tiff"] as const) {
    const path = file(`photo-${format}.image`, await source.clone().toFormat(format).toBuffer());
    const { data } = await readInput(path, { shape: [4, 4, 3], range: [0, 255] });
    close(data.subarray(0, 3), [200, 100, 50], 6);
  }
});

test("photographs are turned upright as their EXIF data say", async () => {
  const pixels = Buffer.from([...Array(16 * 8)].flatMap((_, i) => Array(3).fill(i % 16 < 8 ? 255 : 0)));
  const photo = sharp(pixels, { raw: { width: 16, height: 8, channels: 3 } });
  // Orientation 6: the camera was turned, the picture's left is its top.
  const path = file(
    "turned.jpg",
    await photo.withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer(),
  );
  const { data, shape } = await readInput(path, { shape: [null, null, 1] });
  assert.equal(shape, [1, 16, 8, 1]);
  close(data.subarray(0, 8), Array(8).fill(1), 0.05);
  close(data.subarray(15 * 8), Array(8).fill(0), 0.05);
});

test("a .npy file is one sample, or several with a leading dimension, as it is", async () => {
  const data = new Float32Array([-1, 2, 3, 400, 5, 6]);
  const one = file("one.npy", encodeNpy({ data, shape: [1, 3, 2] }));
  assert.equal(await readInput(one, { shape: [1, 3, 2] }), { data, shape: [1, 1, 3, 2] });
  const batch = file("batch.npy", encodeNpy({ data, shape: [3, 1, 2] }));
  assert.equal(await readInput(batch, { shape: [1, 2], range: [0, 9] }), { data, shape: [3, 1, 2] });
  assert.equal((await readInput(batch, { shape: [null, 2] })).shape, [3, 1, 2]);
});

test("a .json file of nested lists is read likewise, for inputs of any rank", async () => {
  const path = file("x.JSON", "[[1, 2, 3], [4, 5, 6]]");
  const data = new Float32Array([1, 2, 3, 4, 5, 6]);
  assert.equal(await readInput(path, { shape: [3] }), { data, shape: [2, 3] });
  assert.equal(await readInput(path, { shape: [2, 3] }), { data, shape: [1, 2, 3] });
});

test("an array of another shape is refused with both shapes", async () => {
  const path = file("digit.npy", encodeNpy({ data: new Float32Array(12), shape: [2, 2, 3] }));
  await rejects(
    readInput(path, { shape: [2, 2, 1] }),
    InputFormatError,
    `readInput: ${path} has shape [2, 2, 3], the model takes [2, 2, 1]`,
  );
  await rejects(
    readInput(path, { shape: [null, 4] }),
    InputFormatError,
    `readInput: ${path} has shape [2, 2, 3], the model takes [any, 4]`,
  );
  const empty = file("empty.npy", encodeNpy({ data: new Float32Array(), shape: [0, 2] }));
  await rejects(
    readInput(empty, { shape: [2] }),
    InputFormatError,
    `readInput: ${empty} has no samples: its shape is [0, 2]`,
  );
});

test("broken arrays are refused with the file and what is wrong with it", async () => {
  const npy = file("broken.npy", "hello, this is text");
  await rejects(
    readInput(npy, { shape: [2] }),
    InputFormatError,
    `readInput: ${npy}: decodeNpy: not a .npy file: expected the magic bytes \\x93NUMPY, got hello,`,
  );
  const json = file("broken.json", "[[1, 2], [3]]");
  await rejects(
    readInput(json, { shape: [2] }),
    InputFormatError,
    `readInput: ${json}: parseNestedArray: expected a list of 2, as at the first, at [1], got a list of 1`,
  );
});

test("a file that does not exist, or is a folder, is refused", async () => {
  const none = join(folder, "none.png");
  await rejects(readInput(none, { shape: [2, 2, 1] }), InputFormatError, `readInput: ${none} does not exist`);
  mkdirSync(join(folder, "sub"));
  await rejects(
    readInput(join(folder, "sub"), { shape: [2, 2, 1] }),
    InputFormatError,
    /^readInput: .*sub cannot be read: EISDIR/,
  );
});

test("what is no image, or half of one, is refused with the decoder's message", async () => {
  const text = file("text.png", "not an image");
  await rejects(
    readInput(text, { shape: [2, 2, 1] }),
    InputFormatError,
    `readInput: ${text}: Input buffer contains unsupported image format`,
  );
  const noise = Array.from({ length: 64 * 64 * 4 }, (_, i) => ((i * 7919) % 251) | 0);
  const whole = encodePng({ width: 64, height: 64, pixels: new Uint8ClampedArray(noise) });
  const half = file("half.png", whole.subarray(0, whole.length >> 1));
  await rejects(readInput(half, { shape: [64, 64, 3] }), InputFormatError, /^readInput: .*half\.png: /);
});

test("an image for a model that takes no images is refused", async () => {
  const path = png("no.png", 2, 2, twoByTwo);
  for (const shape of [[4], [2, 2], [2, 2, 4]]) {
    await rejects(
      readInput(path, { shape }),
      InputFormatError,
      `readInput: ${path} is not a .npy, .json or .csv file, and an image cannot be the input of a model that takes ` +
        `[${shape.join(", ")}]; images are for [h, w, 1] and [h, w, 3]`,
    );
  }
});

test("a range that is not finite is refused", async () => {
  await rejects(
    readInput(png("r.png", 2, 2, twoByTwo), { shape: [2, 2, 3], range: [0, Number.NaN] }),
    ArgumentError,
    "readInput: expected a range of two finite numbers, got [0, NaN]",
  );
});

test("a .csv is steps x channels for a series, else a sample a row, else one sample over the whole table", async () => {
  const path = file("t.csv", "a,b\n1,2\n3,4\n5,6\n");
  const shapeFor = async (shape: (number | null)[]) => {
    const { data, shape: read } = await readInput(path, { shape });
    close(data, [1, 2, 3, 4, 5, 6]);
    return read;
  };
  assert.equal(await shapeFor([3, 2]), [1, 3, 2]);
  assert.equal(await shapeFor([null, 2]), [1, 3, 2]);
  assert.equal(await shapeFor([2]), [3, 2]);
  assert.equal(await shapeFor([null]), [3, 2]);
  assert.equal(await shapeFor([2, 1]), [3, 2, 1]);
  assert.equal(await shapeFor([6]), [1, 6]);
  assert.equal(await shapeFor([3, 2, 1]), [1, 3, 2, 1]);
  await rejects(
    readInput(path, { shape: [4, 2] }),
    InputFormatError,
    `readInput: ${path} is a table of 3 rows and 2 columns, the model takes [4, 2]: expected a sample a row, or a file of steps x channels`,
  );
  const bad = file("bad.csv", "1,x");
  await rejects(
    readInput(bad, { shape: [2] }),
    InputFormatError,
    `readInput: ${bad}: parseCsv: expected a number in line 1, column 2, got "x"`,
  );
});

test.run();
