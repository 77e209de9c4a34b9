/** What hdf5.ts uses of jsfive 0.4, which brings no types. Names with an underscore are not public there. */
declare module "jsfive" {
  /** One message of an object's header: its type, and where its body begins. */
  type Message = Map<string, number>;

  interface DataObjects {
    find_msg_type(type: number): Message[];
    readonly filter_pipeline: readonly Map<string, unknown>[] | null;
  }

  class Group {
    readonly keys: string[];
    /** By name: where a member's header is, or the path that a soft link says. */
    readonly _links: Record<string, number | string>;
    readonly _dataobjects: DataObjects;
    get(path: string): Group | Dataset;
  }

  class Dataset {
    readonly shape: number[];
    /** In NumPy's way: "<f4"; a list for what has no fixed size. */
    readonly dtype: string | unknown[];
    readonly fillvalue: unknown;
    readonly _dataobjects: DataObjects;
  }

  class File extends Group {
    constructor(buffer: ArrayBuffer, name: string);
  }

  /** By the filter's number. */
  const Filters: ReadonlyMap<number, (buffer: ArrayBuffer, width: number) => ArrayBuffer>;

  export { type DataObjects, Dataset, File, Filters, Group, type Message };
}
