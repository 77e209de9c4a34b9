import { ArgumentError } from "../errors.js";
import type { RasterImage } from "./rasterImage.js";

/** A picture, with a line to go below it. */
export interface GridCell {
  readonly image: RasterImage;
  readonly caption?: string;
}

/** One sample: a cell for each column. */
export interface GridRow<Cell = GridCell> {
  readonly label: string;
  readonly sublabel?: string;
  /** In sheets, a heading for this row and those below it of the same group. */
  readonly group?: string;
  readonly cells: readonly Cell[];
}

/** Samples by methods, the common shape of sheets and reports. */
export interface Grid<Cell = GridCell> {
  /** Headings: as a rule the input, then one method a column. */
  readonly columns: readonly string[];
  readonly rows: readonly GridRow<Cell>[];
}

/** Throws an ArgumentError unless there are rows and columns and each row has a cell for each column. */
export function checkGrid(who: string, { columns, rows }: Grid<unknown>): void {
  if (columns.length === 0) throw new ArgumentError(`${who}: expected at least one column, got none`);
  if (rows.length === 0) throw new ArgumentError(`${who}: expected at least one row, got none`);
  rows.forEach(({ label, cells }, i) => {
    if (cells.length !== columns.length) {
      throw new ArgumentError(
        `${who}: expected ${columns.length} cells a row, as there are columns, got ${cells.length} in row ${i} ("${label}")`,
      );
    }
  });
}
