import { SFNClient } from '@aws-sdk/client-sfn';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { budgets } from '../runtime/budgets.ts';
import { environmentVariable } from '../runtime/environment.ts';
import { storeFromEnvironment } from '../store/from-environment.ts';
import { viewsFromEnvironment } from '../views/from-environment.ts';
import { createEndOfHold, type EndOfHold } from './holds/end-of-hold.ts';
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

/**
 * How holds of the stage this Lambda runs in ended, for those who wanted to end one: the tables
 * from `VIEWS_TABLE`, `EVENTS_TABLE`, `COMMANDS_TABLE` and `QUEUE_TABLE`. To be called once per
 * environment.
 * @throws {Error} where a variable is missing.
 */
export const endOfHoldFromEnvironment = (): EndOfHold =>
  createEndOfHold({
    views: viewsFromEnvironment({ budget: budgets.endOfHold }),
    store: storeFromEnvironment({ budget: budgets.endOfHold }),
  });
