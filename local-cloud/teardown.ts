/** The resources that were started, and how to end them. */
export interface Teardown {
  /**
   * Remembers how to end something.
   * @returns the thing itself.
   */
  add<Resource>(resource: Resource, end: (resource: Resource) => unknown): Resource;
  /**
   * Ends everything, the last first; one that fails to end does not stop the others from ending. A
   * second call waits for the first.
   */
  stop(): Promise<void>;
}

export const createTeardown = (): Teardown => {
  const ends: (() => unknown)[] = [];
  let stopping: Promise<void> | undefined;

  const endAll = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (const end of ends.reverse()) {
      try {
        await end();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'Not everything ended as it should');
  };

  return {
    add: (resource, end) => {
      ends.push(() => end(resource));
      return resource;
    },
    stop: () => {
      stopping ??= endAll();
      return stopping;
    },
  };
};
