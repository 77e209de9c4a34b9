import { decode } from "fast-png";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError } from "../../src/errors.js";
import { heatmap } from "../../src/report/heatmap.js";
import { type HtmlReport, htmlReport } from "../../src/report/htmlReport.js";
import { inputImage } from "../../src/report/inputImage.js";
import { throws } from "../support/throws.js";

const relevance = { data: new Float32Array([1, -1, 0, 1]), shape: [2, 2, 1] };
const image = heatmap(relevance);
const report: HtmlReport = {
  title: "Digits",
  subtitle: "two methods",
  columns: ["input", "gradient", "lrp.epsilon"],
  rows: [
    {
      label: "Sample 1",
      sublabel: "a seven",
      cells: [
        { image: inputImage(relevance) },
        { image, details: { method: "gradient", className: "7", probability: null, delta: null, ms: null } },
        {
          image,
          caption: "0.2 s",
          details: { method: "lrp.epsilon", className: "7", probability: 0.99876, delta: -2.5e-7, ms: 1.234 },
        },
      ],
    },
  ],
  traceText: "0  conv1  Conv2D",
};

/** The texts of the elements of a name, without tags inside. */
const texts = (html: string, tag: string) =>
  [...html.matchAll(new RegExp(`<${tag}[ >][^]*?</${tag}>`, "g"))].map(([element]) =>
    element.replace(/<[^>]*>/g, "").trim(),
  );

test("a report has title, subtitle, legend, a card a sample, and the trace to unfold", () => {
  const html = htmlReport(report);
  assert.equal(texts(html, "title"), ["Digits"]);
  assert.equal(texts(html, "h1"), ["Digits"]);
  assert.match(html, '<p class="subtitle">two methods</p>');
  assert.equal(texts(html, "h2"), ["Sample 1 a seven"]);
  assert.equal(texts(html, "figcaption"), ["input", "gradient", "lrp.epsilon0.2 s"]);
  assert.equal(texts(html, "pre"), ["0  conv1  Conv2D"]);
  assert.not.match(htmlReport({ ...report, traceText: "" }).replace("<details", ""), "conv1");
});

test("the legend says what the colours of the map mean", () => {
  assert.match(
    texts(htmlReport(report), "p")[1] as string,
    /red pixels speak for the class that is explained, blue\s+ones against it, and white ones make no difference/,
  );
  assert.match(htmlReport(report), "linear-gradient(to right,#0000ff,#ffffff,#ff0000)");
  assert.match(htmlReport({ ...report, legend: "coldnhot" }), "<strong>red and yellow</strong>");
});

test("the table has a line a method with class, probability, completeness gap and time; what there is not is a dash", () => {
  const html = htmlReport(report);
  assert.equal(texts(html, "th"), [
    "Method",
    "Class",
    "Probability",
    "Completeness gap",
    "Time",
    "gradient",
    "lrp.epsilon",
  ]);
  assert.equal(texts(html, "td"), ["7", "–", "–", "–", "7", "99.88 %", "−2.50e−7", "1.23 ms"]);
  assert.is(html.match(/<th scope="col"/g)?.length, 5);
  assert.is(html.match(/<th scope="row"/g)?.length, 2);
});

test("each picture is a PNG of its pixels, with an alternative text", () => {
  const found = [...htmlReport(report).matchAll(/<img src="data:image\/png;base64,([^"]*)" alt="([^"]*)"/g)];
  assert.equal(
    found.map((match) => match[2]),
    ["input: Sample 1", "gradient: Sample 1", "lrp.epsilon: Sample 1"],
  );
  const { data } = decode(Buffer.from(found[1]?.[1] as string, "base64"));
  assert.equal([...data], [255, 0, 0, 255, 0, 0, 255, 255, 255, 255, 255, 255, 255, 0, 0, 255]);
});

test("the page refers to nothing outside of it and runs no script", () => {
  const html = htmlReport(report);
  for (const [, target = ""] of html.matchAll(/(?:src|href)="([^"]*)"/g))
    assert.ok(target.startsWith("data:"));
  assert.not.match(html, /<script|<link|@import|url\(|https?:/);
});

test("the page follows the light or dark scheme", () => {
  assert.match(htmlReport(report), "@media (prefers-color-scheme: dark)");
});

test("all text is escaped", () => {
  const evil = `<script>"&'`;
  const details = { method: evil, className: evil, probability: 1, delta: 0, ms: 0 };
  const html = htmlReport({
    title: evil,
    subtitle: evil,
    columns: [evil],
    rows: [{ label: evil, sublabel: evil, cells: [{ image, caption: evil, details }] }],
    traceText: evil,
  });
  assert.not.match(html, "<script");
  // Title twice, subtitle, label, sublabel, alternative text (two), heading, caption, method, class, table's name twice, trace.
  assert.is(html.split("&lt;script&gt;&quot;&amp;&#39;").length - 1, 14);
});

test("a report without rows, with a cell too few, or with an unknown legend is refused", () => {
  throws(
    () => htmlReport({ ...report, rows: [] }),
    ArgumentError,
    "htmlReport: expected at least one row, got none",
  );
  throws(
    () => htmlReport({ ...report, columns: ["input"] }),
    ArgumentError,
    'htmlReport: expected 1 cells a row, as there are columns, got 3 in row 0 ("Sample 1")',
  );
  throws(() => htmlReport({ ...report, legend: "jet" as "bwr" }), ArgumentError, /no colour map "jet"/);
});

test("columns stand under the names of their groups, SVGs take a line of their own, empty cells none, notes come last", () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"></svg>';
  const report = {
    title: "t",
    columns: ["input", "m", "n", "o"],
    groups: ["", "one", "two", "one"],
    rows: [{ label: "r", cells: [{ image: null }, { image: { svg } }, { image: null }, { image: { svg } }] }],
    notes: ["left out: <f>"],
  };
  const page = htmlReport(report);
  assert.is(page.match(/<figure class="wide">/g)?.length, 2);
  assert.is(page.match(/<figure/g)?.length, 2);
  assert.ok(page.includes(`src="data:image/svg+xml,${encodeURIComponent(svg)}"`));
  assert.equal(
    [...page.matchAll(/<h3>(\w+)<\/h3>/g)].map((match) => match[1]),
    ["one"],
  );
  assert.ok(page.includes('<p class="note">left out: &lt;f&gt;</p>'));
  throws(
    () => htmlReport({ ...report, groups: ["", "one"] }),
    ArgumentError,
    "htmlReport: expected 4 groups, as there are columns, got 2",
  );
});

test.run();
