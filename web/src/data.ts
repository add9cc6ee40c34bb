// The document that the program put into the page, and the same as objects that refer to each other.
import { type Sizes, shape } from "./format";

export interface Metrics {
  parameters: number;
  macs: number;
  flops: number;
  activations: number;
  bytes_read: number;
  bytes_written: number;
  bound?: boolean;
}

export interface PortInfo {
  name: string;
  shape: Sizes;
  dtype: string;
  bound?: boolean;
}

export interface ModuleMetrics extends Metrics {
  path: string;
  type: string;
  calls: number;
  buffers: number;
  output_shapes: Sizes[];
}

export interface OperatorMetrics extends Metrics {
  op: string;
  count: number;
}

export interface ProfileDocument {
  model: string;
  source: string;
  variant?: string;
  notes?: string[];
  inputs: PortInfo[];
  outputs: PortInfo[];
  totals: Metrics & {
    buffers: number;
    parameter_bytes: number;
    peak_activation_bytes: number;
    intensity: number;
    nodes: number;
  };
  modules: ModuleMetrics[];
  operators: OperatorMetrics[];
  coverage: { counted: number; zero: number; unknown: { op: string; count: number }[] };
}

/** operator, module, attributes, first output, outputs, MACs, FLOPs, read, written, alive,
 * coverage, name, inputs... */
type NodeRow = [number, number, number, number, number, number, number, number, number, number, number, string, ...number[]];

interface GraphDocument {
  parents: number[];
  nodes: NodeRow[];
  values: [number, number, number][];
  parameters: [number, string, number, number, boolean][];
  inputs: [string, number][];
  outputs: [string, number][];
  peak: { node: number; alive: [number, number, number, boolean][] };
  operators: string[];
  dtypes: string[];
  shapes: Sizes[];
  attributes: string[];
}

export interface Device {
  name: string;
  peak: number;
  bandwidth: number;
}

export interface ReportDocument {
  program: string;
  profile: ProfileDocument;
  graph: GraphDocument;
  devices?: Device[];
}

export interface ModelNode {
  id: number;
  operator: string;
  module: number;
  attributes: number;
  outputs: number[];
  inputs: number[];
  macs: number;
  flops: number;
  bytesRead: number;
  bytesWritten: number;
  alive: number;
  coverage: "counted" | "zero" | "unknown";
  name: string;
}

export interface ModelModule extends ModuleMetrics {
  id: number;
  name: string;
  parent: number;
  depth: number;
  children: number[];
  parameterList: { name: string; value: number; kind: string; shared: boolean }[];
}

const coverages = ["counted", "zero", "unknown"] as const;
const parameterKinds = ["parameter", "buffer", "transient buffer"];

export class Model {
  readonly program: string;
  readonly profile: ProfileDocument;
  readonly graph: GraphDocument;
  readonly devices: Device[];
  readonly modules: ModelModule[];
  readonly nodes: ModelNode[];
  /** By value: the node that makes it, or -1. */
  readonly producers: Int32Array;
  /** By value: the nodes that read it. */
  readonly consumers: number[][];
  readonly isParameter: Uint8Array;

  constructor(document: ReportDocument) {
    this.program = document.program;
    this.profile = document.profile;
    this.graph = document.graph;
    this.devices = document.devices ?? [];
    const { graph } = this;
    this.modules = document.profile.modules.map((figures, id) => ({
      ...figures,
      id,
      name: "",
      parent: graph.parents[id],
      depth: 0,
      children: [],
      parameterList: [],
    }));
    for (const module of this.modules) {
      if (module.parent < 0) {
        module.name = document.profile.model;
        continue;
      }
      const parent = this.modules[module.parent];
      parent.children.push(module.id);
      module.depth = parent.depth + 1;
      module.name = parent.path === "" ? module.path : module.path.slice(parent.path.length + 1);
    }
    const count = graph.values.length;
    this.producers = new Int32Array(count).fill(-1);
    this.consumers = Array.from({ length: count }, () => []);
    this.isParameter = new Uint8Array(count);
    for (const [module, name, value, kind, shared] of graph.parameters) {
      this.isParameter[value] = 1;
      this.modules[module].parameterList.push({ name, value, kind: parameterKinds[kind], shared });
    }
    this.nodes = graph.nodes.map((row, id) => {
      const outputs = Array.from({ length: row[4] }, (_, index) => row[3] + index);
      const inputs = row.slice(12) as number[];
      for (const value of outputs) this.producers[value] = id;
      for (const value of new Set(inputs)) this.consumers[value].push(id);
      return {
        id,
        operator: graph.operators[row[0]],
        module: row[1],
        attributes: row[2],
        outputs,
        inputs,
        macs: row[5],
        flops: row[6],
        bytesRead: row[7],
        bytesWritten: row[8],
        alive: row[9],
        coverage: coverages[row[10]],
        name: row[11],
      };
    });
  }

  shapeOf(value: number): Sizes {
    return this.graph.shapes[this.graph.values[value][0]];
  }

  describe(value: number): string {
    const [at, dtype, bound] = this.graph.values[value];
    return `${shape(this.graph.shapes[at])} ${this.graph.dtypes[dtype]}${bound ? ", at most" : ""}`;
  }

  /** Whether a figure of the operator depends on a size that is an upper bound. */
  isBound(node: ModelNode): boolean {
    return [...node.inputs, ...node.outputs].some((value) => this.graph.values[value][2] !== 0);
  }

  attributesOf(node: ModelNode): Record<string, unknown> {
    return JSON.parse(this.graph.attributes[node.attributes]) as Record<string, unknown>;
  }

  /** A module's path, the model's name for the root. */
  title(module: number): string {
    return this.modules[module].path || this.profile.model;
  }
}

/** A metric for the comparison of a model's parts. */
export interface Metric {
  label: string;
  unit: "count" | "bytes";
  of(figures: Metrics): number;
}

export const metrics = {
  parameters: { label: "Parameters", unit: "count", of: (f) => f.parameters },
  macs: { label: "MACs", unit: "count", of: (f) => f.macs },
  flops: { label: "FLOPs", unit: "count", of: (f) => f.flops },
  memory: { label: "Memory traffic", unit: "bytes", of: (f) => f.bytes_read + f.bytes_written },
  written: { label: "Bytes written", unit: "bytes", of: (f) => f.bytes_written },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;

/** A figure's text, with the sign of an upper bound where some size depends on data. */
export function bounded(isBound: boolean | undefined, text: string): string {
  return isBound ? `≤ ${text}` : text;
}
