import type { Context } from 'aws-lambda';
import type { InvokeMessage, WorkerSettings } from './protocol.ts';

/** The second argument of a handler, without the callbacks that Node.js 24 no longer gets. */
export type LambdaContext = Omit<Context, 'done' | 'fail' | 'succeed'>;

/** Makes the context of one invocation. */
export const createContext = (
  settings: WorkerSettings,
  invocation: InvokeMessage,
): LambdaContext => ({
  callbackWaitsForEmptyEventLoop: true,
  functionName: settings.functionName,
  functionVersion: settings.functionVersion,
  invokedFunctionArn: settings.arn,
  memoryLimitInMB: String(settings.memoryMb),
  awsRequestId: invocation.requestId,
  logGroupName: settings.logGroupName,
  logStreamName: settings.logStreamName,
  getRemainingTimeInMillis: () => Math.max(0, invocation.deadline - Date.now()),
});
