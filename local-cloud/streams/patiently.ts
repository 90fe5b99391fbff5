import { pause } from '../pause.ts';

/**
 * Tries again until it works: a stream that cannot be read now loses nothing by being read later.
 * @param context.report told of the first failure in a row.
 * @returns the result; undefined when it was interrupted.
 */
export const patiently = async <Result>(
  attempt: () => Promise<Result>,
  context: { readonly report: (line: string) => void; readonly interruption: AbortSignal },
): Promise<Result | undefined> => {
  let reported = false;
  while (!context.interruption.aborted) {
    try {
      return await attempt();
    } catch (error) {
      if (!reported && !context.interruption.aborted)
        context.report(`A stream cannot be read: ${error}`);
      reported = true;
      await pause(BETWEEN_ATTEMPTS_MS, context.interruption);
    }
  }
  return undefined;
};

const BETWEEN_ATTEMPTS_MS = 500;
