/** How far a shard has been worked through, whatever order its records are finished in. */
export interface Progress {
  /** How many records were read and are not finished. */
  readonly outstanding: number;
  /** A record was read. They are read in their order. */
  read(sequenceNumber: string): void;
  /** Records are finished: the function has done with them, or never needs to see them. */
  finish(sequenceNumbers: readonly string[]): void;
}

/**
 * Watches over the records of a shard.
 * @param save is given a sequence number when everything up to it is finished: a reader that starts
 *   after it misses nothing.
 */
export const createProgress = (save: (sequenceNumber: string) => void): Progress => {
  /** What is not finished, in order, each with the record that was read before it. */
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
