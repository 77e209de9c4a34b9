export {
  type ColorMap,
  type ColorMapName,
  colorMap,
  colorMapNames,
  colorTable,
  type Rgb,
} from "./colorMaps.js";
export type { ContrastOptions } from "./contrast.js";
export { type CanvasLike, drawOnCanvas } from "./drawOnCanvas.js";
export type { Grid, GridCell, GridRow } from "./grid.js";
export { type Heatmap, type HeatmapOptions, heatmap } from "./heatmap.js";
export {
  type ExplanationDetails,
  type HtmlReport,
  htmlReport,
  type ReportCell,
  type ReportRow,
} from "./htmlReport.js";
export { type ImageGridOptions, imageGrid } from "./imageGrid.js";
export { type InputImageOptions, inputImage } from "./inputImage.js";
export {
  type GraphEdge,
  type GraphGroup,
  type GraphNode,
  type ModelGraph,
  type ModelGraphOptions,
  modelGraph,
  supportText,
} from "./modelGraph/modelGraph.js";
export { modelGraphDot } from "./modelGraph/modelGraphDot.js";
export { modelGraphHtml } from "./modelGraph/modelGraphHtml.js";
export { modelGraphSvg } from "./modelGraph/modelGraphSvg.js";
export { formatMs, formatNumber, formatProbability } from "./numbers.js";
export { type OverlayOptions, overlay } from "./overlay.js";
export { encodePng, enlarge, pngDataUri } from "./png.js";
export type { RasterImage } from "./rasterImage.js";
export type { Sample } from "./sample.js";
export { type SeriesOptions, seriesSvg } from "./series.js";
export { type Sheet, sheetSvg } from "./sheet.js";
export { stackSvg } from "./stackSvg.js";
export { type TokenOptions, tokensHtml, tokensSvg } from "./tokens.js";
