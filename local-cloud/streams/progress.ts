/** How far a shard has been worked through, in whatever order its records are finished. */
export interface Progress {
  /** How many records were read and are not finished. */
  readonly outstanding: number;
  /** Notes that a record was read. Records are read in their order. */
  read(sequenceNumber: string): void;
  /**
   * Notes that records are finished: the function is done with them, or never needs to see them.
   */
  finish(sequenceNumbers: readonly string[]): void;
}

/**
 * Keeps track of the records of a shard.
 * @param save gets a sequence number when everything up to it is finished: a reader that starts
 *   after it misses nothing.
 */
export const createProgress = (save: (sequenceNumber: string) => void): Progress => {
  /** The unfinished records, in order, each with the one that was read before it. */
  const outstanding = new Map<string, string | undefined>();
  let lastRead: string | undefined;
  let saved: string | undefined;
  return {
    get outstanding() {
      return outstanding.size;
    },
    read: (sequenceNumber) => {
      outstanding.set(sequenceNumber, lastRead);
      lastRead = sequenceNumber;
    },
    finish: (sequenceNumbers) => {
      for (const sequenceNumber of sequenceNumbers) outstanding.delete(sequenceNumber);
      const [oldest] = outstanding.entries();
      const position = oldest === undefined ? lastRead : oldest[1];
      if (position === undefined || position === saved) return;
      saved = position;
      save(position);
    },
  };
};
