/** What hdf5.ts uses of jsfive 0.4, which brings no types. Names with an underscore are not public there. */
declare module "jsfive" {
  /** One message of an object's header: its type, and where its body begins. */
  type Message = Map<string, number>;

  interface DataObjects {
    find_msg_type(type: number): Message[];
    /** Version, dimensions, layout class (0 compact, 1 contiguous, 2 chunked), and where the properties are. */
    _get_data_message_properties(offset: number): [number, number | undefined, number, number];
    readonly chunks: number[] | null;
  }

  class Group {
    readonly keys: string[];
    readonly attrs: Record<string, unknown>;
    get(path: string): Group | Dataset;
  }

  class Dataset {
    readonly shape: number[];
    /** In NumPy's way: "<f4"; a list for what has no fixed size. */
    readonly dtype: string | unknown[];
    readonly value: unknown;
    readonly _dataobjects: DataObjects;
  }

  class File extends Group {
    constructor(buffer: ArrayBuffer, name: string);
  }

  export { type DataObjects, Dataset, File, Group, type Message };
}
