export { type AsLayersModelOptions, asLayersModel } from "./asLayersModel.js";
export { getBottleneckNodes, getBottleneckTensors } from "./bottlenecks.js";
export { type CopyLayerOptions, copyLayer, copyLayerWoActivation } from "./copyLayer.js";
export { type CopyModelOptions, copyModel } from "./copyModel.js";
export { fakeKerasLayer } from "./fakeKerasLayer.js";
export { getActivations } from "./getActivations.js";
export { getKernel } from "./getKernel.js";
export { type GraphSource, getOpOutputs, graphModelOf, type OpNode, traceGraphModel } from "./graphModel.js";
export { getLayerInboundCount, getLayerOutboundCount } from "./layerCalls.js";
export { type MergedModel, mergeBatchNormalization } from "./mergeBatchNormalization.js";
export {
  type ExecutionEntry,
  type ExecutionGraph,
  type ExecutionNode,
  type ExecutionTraceOptions,
  getModelExecutionGraph,
  getModelExecutionTrace,
  type ModelExecution,
  type ReapplyOptions,
  traceModelExecution,
} from "./modelExecution.js";
export { getModelLayers, type LayerCondition, modelContains } from "./modelLayers.js";
export { type ModelWoSoftmaxOptions, modelWoOutputActivation, modelWoSoftmax } from "./modelWoSoftmax.js";
export { getLayerNeuronwiseIo, type NeuronwiseIo, type NeuronwiseIoOptions } from "./neuronwiseIo.js";
export { type PreSoftmaxTensorsOptions, preSoftmaxTensors } from "./preSoftmaxTensors.js";
export { printModelExecutionGraph } from "./printModelExecutionGraph.js";
export { type SubModelOptions, subModel } from "./subModel.js";
