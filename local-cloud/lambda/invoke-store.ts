/** Runs the work of one invocation. */
type InInvocation = (requestId: string, work: () => unknown) => unknown;

/**
 * Makes the store in which code finds the invocation that it works for, as Lambda's runtime does
 * where an environment takes several at once: logger and metrics of Powertools, and the SDK, look
 * for it under `globalThis.awslambda.InvokeStore`.
 * @returns a function that runs an invocation so that all code it calls, now or later, finds its
 *   request id. On demand an environment has one invocation, and no code looks.
 */
export const openInvokeStore = async (): Promise<InInvocation> => {
  if (process.env['AWS_LAMBDA_MAX_CONCURRENCY'] === undefined) return (_, work) => work();
  const { InvokeStore, InvokeStoreBase } = await import('@aws/lambda-invoke-store');
  const store = await InvokeStore.getInstanceAsync();
  const { REQUEST_ID } = InvokeStoreBase.PROTECTED_KEYS;
  return (requestId, work) => store.run({ [REQUEST_ID]: requestId }, work);
};
