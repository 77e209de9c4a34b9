export {
  type ExecutionEntry,
  type ExecutionGraph,
  type ExecutionNode,
  type ExecutionTraceOptions,
  getModelExecutionGraph,
  getModelExecutionTrace,
  type ModelExecution,
  traceModelExecution,
} from "./modelExecution.js";
export { type ModelWoSoftmaxOptions, modelWoSoftmax } from "./modelWoSoftmax.js";
export { printModelExecutionGraph } from "./printModelExecutionGraph.js";
