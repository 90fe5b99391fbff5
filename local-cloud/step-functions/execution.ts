import * as z from 'zod/mini';

/** An execution, under way or ended. */
export const Execution = z.object({
  arn: z.string(),
  stateMachineArn: z.string(),
  name: z.string(),
  /** JSON, as the caller sent it. */
  input: z.string(),
  /** In milliseconds since 1970. */
  startedAt: z.number(),
  /** Absent: it is under way. */
  ended: z.optional(
    z.object({
      status: z.enum(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']),
      at: z.number(),
      /** JSON. */
      output: z.optional(z.string()),
      error: z.optional(z.string()),
      cause: z.optional(z.string()),
    }),
  ),
});
export type Execution = z.infer<typeof Execution>;

/** Something that happened in an execution. */
export interface HistoryEvent {
  /** `ExecutionStarted`, `StateEntered`, `StateRetried`, `StateExited`, `ExecutionSucceeded`, … */
  readonly type: string;
  /** In milliseconds since 1970. */
  readonly at: number;
  /** The state's name, where it is about one. */
  readonly state?: string;
  readonly error?: string;
}

/** The status in the words of `DescribeExecution`. */
export const statusOf = ({ ended }: Execution): ExecutionStatus => ended?.status ?? 'RUNNING';

export type ExecutionStatus = 'RUNNING' | NonNullable<Execution['ended']>['status'];
