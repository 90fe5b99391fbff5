import { type Patience, pause } from '../../runtime/patience.ts';
import { type Write, type WriteResult, type WriteTables, write } from './write.ts';

/** What is known of a write that was sent until its result was known. */
export interface Sent {
  readonly result: WriteResult;
  /** Whether one of the tries may have landed without an answer. */
  readonly uncertain: boolean;
  /** Why it is not sent again although there is time: DynamoDB refuses the request itself by now. */
  readonly cause?: unknown;
}

interface SendingOptions {
  readonly mayHaveLanded?: boolean;
  readonly returnsOn?: readonly ('conflict' | 'throttled')[];
}

/**
 * Sends the same write again until its result is known or the time is up. A write's conditions tell
 * whether an earlier try of it landed, so sending it again never does anything twice.
 * @param options.mayHaveLanded whether an earlier call may have written it without an answer.
 * @param options.returnsOn refusals of a moment, after which nothing was written, that are returned
 *   instead of sending the write again. One that may have landed is sent again all the same.
 * @throws where DynamoDB refuses the request itself and no try of it can have landed. Where one can,
 *   the result is unknown: the refusal says nothing of that try.
 */
export const writeUntilKnown = async (
  dependencies: WriteTables & Patience,
  deadline: number,
  content: Write,
  { mayHaveLanded = false, returnsOn = [] }: SendingOptions = {},
): Promise<Sent> => {
  let uncertain = mayHaveLanded;
  for (let attempt = 0; ; attempt += 1) {
    let result: WriteResult;
    try {
      result = await write(dependencies, content);
    } catch (cause) {
      if (!uncertain) throw cause;
      return { result: { kind: 'unknown' }, uncertain, cause };
    }
    if (result.kind === 'landed' || result.kind === 'refused') return { result, uncertain };
    if (!uncertain && returnsOn.some((kind) => kind === result.kind)) return { result, uncertain };
    uncertain ||= result.kind === 'unknown';
    // Once a write may have landed, no later refusal undoes that.
    if (!(await pause(dependencies, deadline, attempt))) {
      return { result: uncertain ? { kind: 'unknown' } : result, uncertain };
    }
  }
};
