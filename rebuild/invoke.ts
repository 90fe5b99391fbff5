import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import * as z from 'zod/mini';
import type { Target } from './command-line.ts';

const FUNCTION = 'rebuild-views';

/** Longer than the function's timeout, in milliseconds. */
const ANSWER_WITHIN_MS = 90_000;

/** What the function answers. `next` is the input that goes on. */
const Rebuilt = z.object({
  commits: z.int(),
  rows: z.int(),
  missing: z.int(),
  different: z.int(),
  extra: z.int(),
  unreadable: z.int(),
  unknown: z.int(),
  examples: z.array(z.string()),
  next: z.optional(z.record(z.string(), z.unknown())),
});
export type Rebuilt = z.infer<typeof Rebuilt>;

/** Invokes rebuild-views once. @throws {Error} that says what it or the way to it failed with. */
export type Invoke = (input: object) => Promise<Rebuilt>;

/** How to invoke the function of a ledger on this machine, or of a stage on AWS. */
export const invokeAt = (target: Target): Invoke =>
  'url' in target ? locally(target.url) : onAws(target.stage);

const locally =
  (url: string): Invoke =>
  async (input) => {
    const response = await fetch(`${url.replace(/\/+$/, '')}/_local/invoke`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-local': 'yes' },
      body: JSON.stringify({ function: FUNCTION, event: input }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${text}`);
    return Rebuilt.parse(JSON.parse(text));
  };

const onAws = (stage: string): Invoke => {
  // A call that is not answered is repeated by the caller: the SDK must not do it behind its back.
  const client = new LambdaClient({
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 3_000,
      requestTimeout: ANSWER_WITHIN_MS,
      throwOnRequestTimeout: true,
    }),
  });
  return async (input) => {
    const answer = await client.send(
      new InvokeCommand({
        FunctionName: `holdfast-${stage}-${FUNCTION}`,
        Payload: JSON.stringify(input),
      }),
    );
    const text = answer.Payload?.transformToString() ?? '';
    if (answer.FunctionError !== undefined) throw new Error(`${FUNCTION} failed: ${text}`);
    return Rebuilt.parse(JSON.parse(text));
  };
};
