import { test } from "uvu";
import * as assert from "uvu/assert";
import { escapeXml } from "../../src/report/escapeXml.js";

test("markup and quotes become entities", () => {
  assert.is(
    escapeXml(`<a href="x" id='y'>&amp;</a>`),
    "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;",
  );
});

test("characters that XML forbids become U+FFFD, all others stay", () => {
  assert.is(escapeXml("a\u0000b\u001bc\uD800d\uFFFFe"), "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe");
  assert.is(escapeXml("tab\tline\n漢字 ε 🐈"), "tab\tline\n漢字 ε 🐈");
});

test.run();
