import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Code, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { StageName, StageSettings } from '../stages.ts';
import {
  type Access,
  definitionOf,
  type FunctionGroup,
  type FunctionName,
  functionNames,
  type Resource,
} from './catalogue.ts';
import { LedgerFunction } from './ledger-function.ts';
import { streamArnOf, type Tables } from './tables.ts';

/** What the functions are made of and what they work on. */
export interface FunctionsProps {
  readonly stage: StageName;
  readonly settings: StageSettings;
  /** The bundle of a function. */
  readonly code: (name: FunctionName) => Code;
  readonly tables: Tables;
  readonly deadLetters: IQueue;
  /** The ARN of the transfer workflow. May be a token that is resolved later: the workflow itself calls functions. */
  readonly workflowArn: string;
}

/** Every function of the catalogue, with the environment and the role that follow from its access. */
export class Functions extends Construct {
  readonly #functions: ReadonlyMap<FunctionName, LambdaFunction>;

  constructor(scope: Construct, id: string, { stage, settings, code, ...resources }: FunctionsProps) {
    super(scope, id);
    const arns = arnsOf(resources);
    this.#functions = new Map(
      functionNames.map((name) => {
        const { access } = definitionOf(name);
        const { lambda } = new LedgerFunction(this, pascalCase(name), {
          name,
          stage,
          settings,
          code: code(name),
          environment: environmentFor(access, settings, resources),
          statements: statementsFor(access, arns),
        });
        return [name, lambda];
      }),
    );
  }

  get(name: FunctionName): LambdaFunction {
    const found = this.#functions.get(name);
    if (found === undefined) throw new Error(`The function ${name} is not in the stack.`);
    return found;
  }

  /** The functions of one group, in the catalogue's order. */
  inGroup(group: FunctionGroup): readonly LambdaFunction[] {
    return functionNames.filter((name) => definitionOf(name).group === group).map((name) => this.get(name));
  }
}

type Resources = Pick<FunctionsProps, 'tables' | 'deadLetters' | 'workflowArn'>;

function arnsOf({ tables, deadLetters, workflowArn }: Resources): Readonly<Record<Resource, string>> {
  const { events, commands, views } = tables;
  const viewsIndex = (name: string) => `${views.tableArn}/index/${name}`;
  return {
    events: events.tableArn,
    'events/stream': streamArnOf(events),
    commands: commands.tableArn,
    'commands/stream': streamArnOf(commands),
    views: views.tableArn,
    'views/transfersBySource': viewsIndex('transfersBySource'),
    'views/transfersByDestination': viewsIndex('transfersByDestination'),
    'views/openTransfers': viewsIndex('openTransfers'),
    workflow: workflowArn,
    'dead-letters': deadLetters.queueArn,
  };
}

/** One statement per resource, so that every action is allowed on the resource that it is for and on no other. */
function statementsFor(access: Access, arns: Readonly<Record<Resource, string>>): readonly PolicyStatement[] {
  return Object.entries(arns).flatMap(([resource, arn]) => {
    const actions = Object.entries(access).find(([name]) => name === resource)?.[1];
    return actions === undefined ? [] : [new PolicyStatement({ actions: [...actions], resources: [arn] })];
  });
}

/**
 * A function is told of what it may use. Whoever reads the events has a store, which is made of the commands too; whoever
 * appends to them is told what becomes of a command on a hot account.
 */
function environmentFor(
  access: Access,
  { hotAccounts }: StageSettings,
  { tables, workflowArn }: Resources,
): Readonly<Record<string, string>> {
  const usesViews = Object.keys(access).some((resource) => resource.split('/')[0] === 'views');
  return {
    ...(access.events && { EVENTS_TABLE: tables.events.tableName, COMMANDS_TABLE: tables.commands.tableName }),
    ...(access.events?.includes('dynamodb:PutItem') && { HOT_ACCOUNTS: hotAccounts }),
    ...(usesViews && { VIEWS_TABLE: tables.views.tableName }),
    ...(access.workflow && { TRANSFER_WORKFLOW_ARN: workflowArn }),
  };
}

const pascalCase = (name: string): string =>
  name.replace(/(?:^|-)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
