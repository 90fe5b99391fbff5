import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Code, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Scope } from '../../functions/http/identity/scope.ts';
import {
  type StageName,
  type StageSettings,
  type StreamConsumer,
  streamConsumers,
} from '../stages.ts';
import {
  type Access,
  definitionOf,
  type FunctionGroup,
  type FunctionName,
  methodsByPath,
  type Resource,
} from './catalogue.ts';
import { type KeyUse, viaService } from './encryption-key.ts';
import { Instances, runsOnInstances } from './instances.ts';
import { LedgerFunction } from './ledger-function.ts';
import { streamArnOf, type Tables } from './tables.ts';
import { functionsOf } from './transfer-ways.ts';

/** What the functions are made from, and what they work on. */
export interface FunctionsProps {
  readonly stage: StageName;
  readonly settings: StageSettings;
  /** The bundle of a function. */
  readonly code: (name: FunctionName) => Code;
  /** What the tables, the queue, the workflow and the logs are encrypted with. */
  readonly key: IKey | undefined;
  readonly tables: Tables;
  readonly deadLetters: IQueue;
  /**
   * The ARN of the transfer workflow. It may be a token that CDK resolves later, since the workflow
   * itself calls functions.
   */
  readonly workflowArn: string;
  readonly workflowName: string;
  /** Our scopes, by the names in callers' tokens; absent: the API asks for no token. */
  readonly scopeNames: Readonly<Record<string, Scope>> | undefined;
}

/**
 * Every function of the stage, with the environment and the role that follow from its access.
 */
export class Functions extends Construct {
  readonly #functions: ReadonlyMap<FunctionName, LambdaFunction>;

  constructor(
    scope: Construct,
    id: string,
    { stage, settings, code, key, scopeNames, ...resources }: FunctionsProps,
  ) {
    super(scope, id);
    const arns = arnsOf(Stack.of(this), resources);
    const instances =
      settings.compute === 'instances' ? new Instances(this, 'Instances', { settings }) : undefined;
    this.#functions = new Map(
      functionsOf(settings).map((name) => {
        const { route, isPublic, ...definition } = definitionOf(name);
        const isShared = runsOnInstances(name, settings.compute);
        const access = both(definition.access, isShared ? definition.sharedAccess : undefined);
        const ledgerFunction = new LedgerFunction(this, pascalCase(name), {
          name,
          stage,
          settings,
          key,
          instances: isShared ? instances : undefined,
          code: code(name),
          environment: {
            ...environmentFor(access, resources),
            ...(route !== undefined && !isPublic && callersFor(scopeNames)),
            ...(route === '$default' && { METHODS_BY_PATH: JSON.stringify(methodsByPath) }),
            ...(route === 'POST /transfers' && {
              SHORT_WAY: settings.transfers === 'adaptive' ? 'on' : 'off',
            }),
          },
          statements: [
            ...statementsFor(access, arns),
            ...(key ? usesOfKey(access).map((use) => viaService(key, use)) : []),
          ],
        });
        if (access['workflow/executions'])
          acknowledgeAnyExecution(ledgerFunction, resources.workflowName);
        return [name, ledgerFunction.lambda];
      }),
    );
  }

  get(name: FunctionName): LambdaFunction {
    const found = this.#functions.get(name);
    if (found === undefined) throw new Error(`The function ${name} is not in the stack.`);
    return found;
  }

  /** The names of those that the stage has, in the catalogue's order. */
  names(): readonly FunctionName[] {
    return [...this.#functions.keys()];
  }

  /** The names of those that read a table's stream. */
  consumers(): readonly StreamConsumer[] {
    return streamConsumers.filter((name) => this.#functions.has(name));
  }

  /** The functions of one group, in the catalogue's order. */
  inGroup(group: FunctionGroup): readonly LambdaFunction[] {
    return this.names()
      .filter((name) => definitionOf(name).group === group)
      .map((name) => this.get(name));
  }
}

type Resources = Pick<FunctionsProps, 'tables' | 'deadLetters' | 'workflowArn' | 'workflowName'>;

function arnsOf(
  stack: Stack,
  { tables, deadLetters, workflowArn, workflowName }: Resources,
): Readonly<Record<Resource, string>> {
  const { events, commands, queue, views } = tables;
  return {
    events: events.tableArn,
    'events/stream': streamArnOf(events),
    commands: commands.tableArn,
    queue: queue.tableArn,
    'queue/stream': streamArnOf(queue),
    views: views.tableArn,
    'views/openTransfers': `${views.tableArn}/index/openTransfers`,
    'views/accountsByOwner': `${views.tableArn}/index/accountsByOwner`,
    workflow: workflowArn,
    // Any execution: its name comes from its transfer, which is not known yet.
    'workflow/executions': stack.formatArn({
      service: 'states',
      resource: 'execution',
      resourceName: `${workflowName}:*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
    'dead-letters': deadLetters.queueArn,
    '*': '*',
  };
}

/**
 * One statement per resource, so that every action is allowed on the resource that it is for and on
 * no other.
 */
function statementsFor(
  access: Access,
  arns: Readonly<Record<Resource, string>>,
): readonly PolicyStatement[] {
  return Object.entries(arns).flatMap(([resource, arn]) => {
    const actions = Object.entries(access).find(([name]) => name === resource)?.[1];
    return actions === undefined
      ? []
      : [new PolicyStatement({ actions: [...actions], resources: [arn] })];
  });
}

/** What a function has to do with encrypted things, as its access says. */
const usesOfKey = (access: Access): readonly KeyUse[] => {
  const onTables = Object.entries(access).flatMap(([, actions = []]) =>
    actions.filter((action) => action.startsWith('dynamodb:')),
  );
  const isWritten = onTables.some((action) => /:(Put|Update|Delete|BatchWrite)/.test(action));
  return [
    ...(isWritten ? (['write a table'] as const) : []),
    ...(!isWritten && onTables.length > 0 ? (['read a table'] as const) : []),
    ...(access['dead-letters'] ? (['send to a queue'] as const) : []),
    ...(access.workflow ? (['start the workflow'] as const) : []),
  ];
};

const both = (one: Access, other: Access = {}): Access => {
  const all: Record<string, readonly string[]> = { ...one };
  for (const [resource, actions] of Object.entries(other))
    all[resource] = [...(all[resource] ?? []), ...actions];
  return all;
};

/** cdk-nag asks about every wildcard, by the ARN in which it stands. */
const acknowledgeAnyExecution = (ledgerFunction: LedgerFunction, workflowName: string): void => {
  const arn = `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${workflowName}:*`;
  Validations.of(ledgerFunction).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${arn}]`,
    reason:
      'It asks whether the execution of a transfer is under way: any execution of this machine, and of no other.',
  });
};

/**
 * A function is told of every table that it may use. One that reads the events, and not their
 * stream alone, has a store, which needs the commands and the queue too.
 */
function environmentFor(
  access: Access,
  { tables, workflowArn }: Resources,
): Readonly<Record<string, string>> {
  const used = new Set(Object.keys(access).map((resource) => resource.split('/')[0]));
  const hasStore = access.events !== undefined;
  return {
    ...(hasStore && { EVENTS_TABLE: tables.events.tableName }),
    ...((hasStore || used.has('commands')) && { COMMANDS_TABLE: tables.commands.tableName }),
    ...((hasStore || used.has('queue')) && { QUEUE_TABLE: tables.queue.tableName }),
    ...(used.has('views') && { VIEWS_TABLE: tables.views.tableName }),
    ...(access.workflow && { TRANSFER_WORKFLOW_ARN: workflowArn }),
  };
}

/** How a function that answers requests tells its callers apart. */
const callersFor = (scopeNames: FunctionsProps['scopeNames']): Readonly<Record<string, string>> =>
  scopeNames ? { CALLERS: 'token', SCOPES: JSON.stringify(scopeNames) } : { CALLERS: 'open' };

const pascalCase = (name: string): string =>
  name.replace(/(?:^|-)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
