import { CfnOutput, Lazy, Stack, type StackProps } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { Alarms } from './constructs/alarms.ts';
import type { FunctionName } from './constructs/catalogue.ts';
import { DeadLetters } from './constructs/dead-letters.ts';
import { EncryptionKey } from './constructs/encryption-key.ts';
import { EveryMinute } from './constructs/every-minute.ts';
import { Functions } from './constructs/functions.ts';
import { LedgerHttpApi, type Tokens } from './constructs/http-api.ts';
import { cognitoScopes, IdentityProvider } from './constructs/identity-provider.ts';
import { LedgerDashboard } from './constructs/ledger-dashboard.ts';
import { ledgerMetrics } from './constructs/ledger-metrics.ts';
import { queuedCommands, reservations, StreamMapping } from './constructs/stream-mapping.ts';
import { Tables } from './constructs/tables.ts';
import { takerOfReservations } from './constructs/transfer-ways.ts';
import { TransferWorkflow, workflowNameOf } from './constructs/transfer-workflow.ts';
import type { StageName, StageSettings } from './stages.ts';

/** The stage, and the code of its functions. */
export interface HoldfastStackProps extends StackProps {
  readonly stage: StageName;
  readonly settings: StageSettings;
  /** The bundle of a function. */
  readonly code: (name: FunctionName) => Code;
}

/** The whole ledger of one stage: each construct is one concern, and this stack joins them. */
export class HoldfastStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { stage, settings, code, ...props }: HoldfastStackProps,
  ) {
    super(scope, id, props);
    const key =
      settings.key === 'customer'
        ? new EncryptionKey(this, 'EncryptionKey', { stage, settings }).key
        : undefined;
    const tables = new Tables(this, 'Tables', { stage, settings, key });
    const deadLetters = new DeadLetters(this, 'DeadLetters', { stage, key }).queue;
    const functions: Functions = new Functions(this, 'Functions', {
      stage,
      settings,
      code,
      key,
      tables,
      deadLetters,
      // The workflow calls some of the functions, and others start it: its ARN is filled in once it
      // is there.
      workflowArn: Lazy.string({ produce: () => workflow.stateMachine.stateMachineArn }),
      workflowName: workflowNameOf(stage, settings),
      scopeNames: scopeNamesOf(settings),
    });
    const workflow: TransferWorkflow = new TransferWorkflow(this, 'TransferWorkflow', {
      stage,
      settings,
      key,
      credit: functions.get('credit-transfer'),
      settle: functions.get('settle-transfer'),
      release: functions.get('release-transfer'),
    });
    const tokens = this.#tokensOf(stage, settings);
    const httpApi = new LedgerHttpApi(this, 'HttpApi', {
      stage,
      settings,
      key,
      functions,
      tokens,
    });

    new StreamMapping(this, 'ProjectViews', {
      source: tables.events,
      consumer: functions.get('project-views'),
      deadLetters,
      settings: settings.streams['project-views'],
    });
    // The same mapping in every setting of `transfers`: one that changes goes on where it is, where
    // a new one would begin with the reservations of a day ago.
    const taker = takerOfReservations(settings.transfers);
    new StreamMapping(this, 'CarryOutTransfers', {
      source: tables.events,
      consumer: functions.get(taker),
      deadLetters,
      settings: settings.streams[taker],
      filter: reservations,
    });
    new StreamMapping(this, 'DecidePending', {
      source: tables.queue,
      consumer: functions.get('decide-pending'),
      deadLetters,
      settings: settings.streams['decide-pending'],
      filter: queuedCommands,
    });
    new EveryMinute(this, 'Recovery', {
      stage,
      name: 'recover-transfers',
      description: 'Looks for transfers that were left open',
      run: functions.get('recover-transfers'),
    });
    new EveryMinute(this, 'Expiry', {
      stage,
      name: 'expire-holds',
      description: 'Looks for holds whose time is over',
      run: functions.get('expire-holds'),
    });

    const { api } = httpApi;
    const { stateMachine } = workflow;
    const metrics = ledgerMetrics(stage, functions.names());
    const alarms = new Alarms(this, 'Alarms', {
      stage,
      settings,
      key,
      api,
      functions,
      metrics,
      tables,
      workflow: stateMachine,
      deadLetters,
    });
    new LedgerDashboard(this, 'Dashboard', {
      stage,
      alarms: alarms.all,
      api,
      functions,
      metrics,
      tables,
      workflow: stateMachine,
      deadLetters,
    });

    const outputs = {
      ApiUrl: httpApi.url,
      EventsTable: tables.events.tableName,
      CommandsTable: tables.commands.tableName,
      QueueTable: tables.queue.tableName,
      ViewsTable: tables.views.tableName,
      TransferWorkflowArn: stateMachine.stateMachineArn,
      DeadLettersUrl: deadLetters.queueUrl,
      AlarmTopicArn: alarms.topic.topicArn,
      ...(tokens && { TokenIssuer: tokens.issuer, TokenAudience: tokens.audience.join(' ') }),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }

  /** Whose tokens the API takes; a stage that names no identity provider gets one of its own. */
  #tokensOf(stage: StageName, settings: StageSettings): Tokens | undefined {
    const { identity } = settings;
    if (identity === 'open') return undefined;
    return 'issuer' in identity
      ? identity
      : new IdentityProvider(this, 'Identity', { stage, settings, cognito: identity });
  }
}

/** Our scopes, by the identity provider's names. */
const scopeNamesOf = ({ identity }: StageSettings) => {
  if (identity === 'open') return undefined;
  return 'issuer' in identity ? identity.scopes : cognitoScopes;
};
