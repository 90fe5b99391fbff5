import { SFNClient } from '@aws-sdk/client-sfn';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { environmentVariable } from '../runtime/environment.ts';
import { createTransferWorkflow, type TransferWorkflow } from './workflow.ts';

/**
 * The workflow of the stage this Lambda runs in: `TRANSFER_WORKFLOW_ARN`. To be called once per
 * environment.
 * @throws {Error} where the variable is missing.
 */
export const transferWorkflowFromEnvironment = (): TransferWorkflow =>
  createTransferWorkflow(
    // The limits are stated because the SDK's defaults change between releases. A request takes 13
    // s at most.
    new SFNClient({
      maxAttempts: 3,
      retryMode: 'standard',
      requestHandler: new NodeHttpHandler({
        connectionTimeout: 1_000,
        requestTimeout: 3_000,
        throwOnRequestTimeout: true,
      }),
    }),
    environmentVariable('TRANSFER_WORKFLOW_ARN'),
    Date.now,
  );
