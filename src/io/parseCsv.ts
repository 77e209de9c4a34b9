import { InputFormatError } from "../errors.js";

/**
 * The table in a .csv file of numbers: values between commas, semicolons or tabs, a row a line. A first line in which no
 * value is a number holds names, and is left out; so are empty lines and quotes around a value.
 *
 * @returns float32 in row-major order, shape `[rows, columns]`
 * @throws InputFormatError for rows of unequal lengths, for what is not a number, and for a file without numbers
 * @example parseCsv("time,volt\n0,1.5\n1,-2").shape  // [2, 2]
 */
export function parseCsv(text: string): { data: Float32Array; shape: number[] } {
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line.trim() !== "");
  // Decimal commas are not read: with semicolons or tabs in the file, a comma is part of a value, and that is no number.
  const separator = [";", "\t"].find((mark) => lines[0]?.line.includes(mark)) ?? ",";
  const rows = lines.map(({ line, number }) => ({
    number,
    cells: line.split(separator).map((cell) =>
      cell
        .trim()
        .replace(/^"(.*)"$/, "$1")
        .trim(),
    ),
  }));
  if (rows[0]?.cells.every((cell) => !isNumber(cell))) rows.shift();
  const [first] = rows;
  if (first === undefined) throw new InputFormatError("parseCsv: expected rows of numbers, got none");
  const columns = first.cells.length;
  const data = new Float32Array(rows.length * columns);
  rows.forEach(({ cells, number }, row) => {
    if (cells.length !== columns) {
      throw new InputFormatError(
        `parseCsv: expected ${columns} values a line, as in line ${first.number}, got ${cells.length} in line ${number}`,
      );
    }
    cells.forEach((cell, column) => {
      if (!isNumber(cell)) {
        throw new InputFormatError(
          `parseCsv: expected a number in line ${number}, column ${column + 1}, got ${JSON.stringify(cell.slice(0, 40))}`,
        );
      }
      data[row * columns + column] = numberOf(cell);
    });
  });
  return { data, shape: [rows.length, columns] };
}

/** NaN and infinities as numpy writes them are numbers here: what refuses them says where they are. */
const SPECIAL: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
};

function numberOf(cell: string): number {
  return SPECIAL[cell.toLowerCase()] ?? Number(cell);
}

function isNumber(cell: string): boolean {
  return cell.toLowerCase() in SPECIAL || /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell);
}
