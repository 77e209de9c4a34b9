/**
 * Advance widths of the printable ASCII characters, from the space on, in thousandths of the font size: Inter at weight
 * 600, measured. Regular text is some percent narrower.
 */
const ASCII_WIDTHS = [
  252, 321, 523, 644, 650, 1004, 663, 326, 373, 373, 540, 673, 319, 465, 319, 379, 660, 423, 623, 636, 666,
  612, 640, 576, 640, 640, 319, 329, 673, 673, 673, 543, 999, 728, 659, 737, 722, 605, 588, 749, 746, 277,
  580, 703, 565, 922, 759, 769, 645, 773, 652, 650, 660, 736, 728, 1020, 720, 713, 652, 373, 379, 373, 481,
  469, 351, 574, 624, 583, 624, 591, 389, 625, 612, 262, 262, 569, 262, 900, 612, 609, 624, 624, 397, 549,
  353, 612, 587, 839, 569, 588, 566, 455, 359, 455, 673,
];

/** Chinese, Japanese, Korean and pictographs: as wide as high. */
const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE4F\uFF00-\uFF60\u{1F300}-\u{1FAFF}]/u;

/** About how wide a line of text is in Inter, in the unit of the font size: SVG has no way to ask. */
export function textWidth(text: string, fontSize: number): number {
  let width = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    width += ASCII_WIDTHS[code - 32] ?? (WIDE.test(character) ? 1000 : 650);
  }
  return (width / 1000) * fontSize;
}

export interface WrapOptions {
  readonly width: number;
  readonly fontSize: number;
  readonly maxLines: number;
}

/**
 * Text in lines of at most a width: broken after spaces and after the dots, dashes and low lines of names, not of numbers;
 * inside a word only if it alone is too wide. What is left after the last line is cut off there with an ellipsis.
 */
export function wrapText(text: string, { width, fontSize, maxLines }: WrapOptions): string[] {
  const fits = (line: string) => textWidth(line.trimEnd(), fontSize) <= width;
  const lines: string[] = [];
  let line = "";
  for (const part of text.trim().split(/(?<=\s)(?=\S)|(?<=_)(?=\w)|(?<=[.\-/])(?=[a-z])/i)) {
    if (line !== "" && !fits(line + part)) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += part;
    while (!fits(line)) {
      const head = longestHead(line, fits);
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  if (line.trim() !== "") lines.push(line.trimEnd());
  if (lines.length <= maxLines) return lines;
  const last = lines.slice(maxLines - 1).join(" ");
  return [...lines.slice(0, maxLines - 1), `${longestHead(last, (head) => fits(`${head}…`)).trimEnd()}…`];
}

/** The most characters from the start that fit, but at least one. */
function longestHead(text: string, fits: (head: string) => boolean): string {
  const characters = [...text];
  let length = characters.length;
  while (length > 1 && !fits(characters.slice(0, length).join(""))) length--;
  return characters.slice(0, length).join("");
}
