import { type Patience, pause } from '../../runtime/patience.ts';
import { type Write, type WriteResult, type WriteTables, write } from './write.ts';

/**
 * Sends the same write again until its result is known or the time is up. A write's conditions tell
 * whether an earlier try of it landed, so sending it again never does anything twice.
 * @returns the result, and whether one of the tries may have landed without an answer.
 */
export const writeUntilKnown = async (
  dependencies: WriteTables & Patience,
  deadline: number,
  content: Write,
): Promise<{ readonly result: WriteResult; readonly uncertain: boolean }> => {
  let uncertain = false;
  for (let attempt = 0; ; attempt += 1) {
    const result = await write(dependencies, content);
    if (result.kind === 'landed' || result.kind === 'refused') return { result, uncertain };
    uncertain ||= result.kind === 'unknown';
    // Once a write may have landed, no later refusal undoes that.
    if (!(await pause(dependencies, deadline, attempt))) {
      return { result: uncertain ? { kind: 'unknown' } : result, uncertain };
    }
  }
};
