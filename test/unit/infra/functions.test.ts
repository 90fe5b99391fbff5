import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  functionNames as allNames,
  definitionOf,
  entryOf,
  methodsByPath,
} from '../../../infra/constructs/catalogue.ts';
import { cognitoScopes } from '../../../infra/constructs/identity-provider.ts';
import { functionsOf } from '../../../infra/constructs/transfer-ways.ts';
import { settingsOf } from '../../../infra/stages.ts';
import { synthesized } from './synthesized.ts';

const resources = synthesized('dev');
/** Those that the stage has: transfers.test.ts has the others. */
const functionNames = functionsOf(settingsOf('dev'));
const functions = resources.filter(({ type }) => type === 'AWS::Lambda::Function');
const logGroups = resources.filter(({ type }) => type === 'AWS::Logs::LogGroup');

const commands = { COMMANDS_TABLE: 'holdfast-dev-commands' };
const store = {
  EVENTS_TABLE: 'holdfast-dev-events',
  ...commands,
  QUEUE_TABLE: 'holdfast-dev-queue',
};
const writes = store;
const views = { VIEWS_TABLE: 'holdfast-dev-views' };
const workflow = { TRANSFER_WORKFLOW_ARN: 'holdfast-dev-transfer-standard' };

/** How it tells its callers apart. */
const callers = { CALLERS: 'token', SCOPES: JSON.stringify(cognitoScopes) };

/** What each function is told of. */
const told: Record<string, Record<string, string>> = {
  'open-account': { ...writes, ...callers },
  'amend-account': { ...writes, ...callers },
  'freeze-account': { ...writes, ...callers },
  'unfreeze-account': { ...writes, ...callers },
  'close-account': { ...writes, ...callers },
  deposit: { ...writes, ...callers },
  withdraw: { ...writes, ...callers },
  'request-transfer': { ...writes, ...views, ...callers, SHORT_WAY: 'on' },
  'capture-transfer': { ...writes, ...views, ...callers },
  'void-transfer': { ...writes, ...views, ...callers },
  'reverse-transfer': { ...writes, ...callers },
  'create-posting': { ...writes, ...callers },
  bulk: { ...writes, ...callers },
  'decide-pending': writes,
  'get-account': { ...store, ...callers },
  'list-entries': { ...store, ...callers },
  'list-accounts': { ...store, ...views, ...callers },
  'get-statement': { ...store, ...callers },
  'get-posting': { ...store, ...callers },
  'list-transfers': { ...store, ...views, ...callers },
  'get-transfer': { ...store, ...views, ...callers },
  'get-command': { ...writes, ...views, ...callers },
  health: {},
  openapi: {},
  docs: {},
  'route-not-found': { METHODS_BY_PATH: JSON.stringify(methodsByPath) },
  'project-views': views,
  'rebuild-views': { ...store, ...views },
  'carry-out-transfers': { ...writes, ...workflow },
  'credit-transfer': writes,
  'settle-transfer': writes,
  'release-transfer': writes,
  'recover-transfers': { ...store, ...views, ...workflow },
  'expire-holds': { ...writes, ...views },
};

/** What they answer, they know. */
const asksNobody = { health: {}, openapi: {}, docs: {}, 'route-not-found': {} };

describe('the functions', () => {
  it('are those of the catalogue, by their names', () => {
    expect(functions.map(({ name }) => name)).toEqual(
      functionNames.map((name) => `holdfast-dev-${name}`),
    );
  });

  it.each(allNames)('%s has an entry file', (name) => {
    expect(existsSync(join(import.meta.dirname, '../../..', entryOf(name)))).toBe(true);
  });

  it.each(functions)('$name runs on Node 24 and ARM', ({ properties }) => {
    expect(properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
    });
  });

  it.each(functionNames)('%s is told by its environment what it works on, and no more', (name) => {
    expect(functionNamed(name).properties['Environment']).toEqual({
      Variables: {
        ...told[name],
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: 'Holdfast/dev',
        POWERTOOLS_LOG_LEVEL: 'INFO',
      },
    });
  });

  it.each(functionNames)(
    '%s logs to a group of its own that does not keep everything for ever',
    (name) => {
      const group = `/aws/lambda/holdfast-dev-${name}`;

      expect(functionNamed(name).properties['LoggingConfig']).toMatchObject({ LogGroup: group });
      expect(
        logGroups.find((candidate) => candidate.name === group)?.properties['RetentionInDays'],
      ).toBe(7);
    },
  );

  it.each(functions)(
    '$name logs its own lines, as JSON, and none of START, END and REPORT',
    ({ properties }) => {
      expect(properties['LoggingConfig']).toMatchObject({
        LogFormat: 'JSON',
        SystemLogLevel: 'WARN',
        // Lambda drops what is below, whatever the function's own level.
        ApplicationLogLevel: 'INFO',
      });
    },
  );

  it.each([true, false])('are traced with the workflow, all of them or none: %s', (tracing) => {
    const resources = synthesized('dev', { tracing });
    const traced = resources.flatMap(({ type, name, properties }) =>
      (type === 'AWS::Lambda::Function' &&
        JSON.stringify(properties['TracingConfig']) === '{"Mode":"Active"}') ||
      (type.endsWith('StateMachine') &&
        JSON.stringify(properties['TracingConfiguration']) === '{"Enabled":true}')
        ? [name]
        : [],
    );
    const mayTrace = resources.filter(({ properties }) =>
      JSON.stringify(properties).includes('xray:PutTraceSegments'),
    );

    expect(traced).toHaveLength(tracing ? functionNames.length + 1 : 0);
    expect(mayTrace).toHaveLength(tracing ? functionNames.length + 1 : 0);
  });

  it.each(functionNames.filter((name) => definitionOf(name).route))(
    '%s has as long as it may need, and ends before the API stops waiting',
    (name) => {
      expect(functionNamed(name).properties['Timeout']).toBe(
        name in asksNobody ? 5 : name === 'bulk' ? 28 : 25,
      );
    },
  );

  it('have time for the longest wait that a client may ask for, after the store has used up its own', () => {
    const [wait, decide] = [10, 8];

    expect(functionNamed('request-transfer').properties['Timeout']).toBeGreaterThan(wait + decide);
  });
});

describe('reserved concurrency', () => {
  const reservedIn = (stage: 'dev' | 'prod') =>
    synthesized(stage).flatMap(
      ({ name, properties: { ReservedConcurrentExecutions: reserved } }) =>
        reserved === undefined ? [] : [[name.replace(`holdfast-${stage}-`, ''), reserved]],
    );

  it('keeps callers that wait from starving what they wait for: consumers, steps and what is scheduled, in production', () => {
    expect(Object.fromEntries(reservedIn('prod'))).toEqual({
      'project-views': 50,
      'carry-out-transfers': 50,
      'decide-pending': 50,
      'credit-transfer': 20,
      'settle-transfer': 20,
      'release-transfer': 20,
      'recover-transfers': 6,
      'expire-holds': 2,
    });
  });

  it('is none in dev, whose account may have no more than ten', () => {
    expect(reservedIn('dev')).toEqual([]);
  });
});

function functionNamed(name: string) {
  const found = functions.find((candidate) => candidate.name === `holdfast-dev-${name}`);
  if (!found) throw new Error(`there is no function ${name}`);
  return found;
}
