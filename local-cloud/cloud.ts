import { totalmem } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { type Authorize, createAuthorizer } from './api-gateway/authorizer.ts';
import { assertPortIsFree, type HttpApiDefinition, startHttpApi } from './api-gateway/server.ts';
import { createControl } from './control.ts';
import { databaseKey, KNOWN_KEY, takeDataDirectory } from './data-directory.ts';
import { connectToDynamoDb, type DynamoDbSettings } from './dynamodb/connection.ts';
import { startDynamoDbLocal } from './dynamodb/dynamodb-local.ts';
import { createTables } from './dynamodb/tables.ts';
import { type Endpoint, startEndpoint } from './endpoint.ts';
import { type Access, createAccess } from './iam/access.ts';
import { createGuard } from './iam/guard.ts';
import { assertMayRead, invokedBy, logOf } from './iam/on-behalf.ts';
import type { Principal } from './iam/request.ts';
import { type Issuer, openIssuer, type WantedToken } from './identity/issuer.ts';
import { logGroupName } from './lambda/environment.ts';
import { type RunningFunction, startFunction } from './lambda/function.ts';
import { type Overview, toOverview } from './overview.ts';
import type { Report } from './report.ts';
import { startSchedule } from './schedules/schedules.ts';
import { startStepFunctions } from './step-functions/endpoint.ts';
import { openCheckpoints } from './streams/checkpoints.ts';
import { startEventSourceMapping } from './streams/mapping.ts';
import { openStream } from './streams/stream.ts';
import { streamsOf } from './streams/streams-api.ts';
import { openTableStreams, type TableStreams } from './streams/table-streams.ts';
import { createTeardown, type Teardown } from './teardown.ts';
import { type LocalTemplate, readTemplate } from './template/template.ts';

/** How a local cloud is started. */
export interface LocalCloudOptions {
  /**
   * Directory of the synthesized cloud assembly, or a promise of it, for which DynamoDB Local does
   * not wait to start.
   */
  readonly assembly: string | Promise<string>;
  /** The API's port; 0: any free one. */
  readonly port: number;
  /** A DynamoDB Local that runs already, and the access key id of the database to use in it. */
  readonly dynamodb?: { readonly endpoint: string; readonly accessKeyId: string } | undefined;
  /** The directory for tables, stream positions and executions; absent: they are in memory. */
  readonly dataDirectory?: string | undefined;
  /**
   * How many environments of one function there are, at most. On demand, that is how many of its
   * invocations run at once.
   */
  readonly workersPerFunction?: number | undefined;
  readonly report: Report;
}

/** A local cloud that runs. */
export interface LocalCloud {
  /** The API's URL. */
  readonly url: string;
  /** The template that it runs. */
  readonly template: LocalTemplate;
  /** Its functions, by `FunctionName`. */
  readonly functions: ReadonlyMap<string, RunningFunction>;
  /** What the event source mappings gave up, by `QueueName`. */
  readonly queues: ReadonlyMap<string, readonly unknown[]>;
  /** The settings of a client that sees the same tables as the functions, past the endpoint. */
  readonly dynamodb: DynamoDbSettings;
  /** Who may do what, and what was asked for so far. */
  readonly access: Access;
  /** Where the functions find AWS's services, and the key by which it knows each of them. */
  readonly services: Pick<Endpoint, 'url' | 'accessKeyIdOf'>;
  /** Stands between the functions and their services, see `endpoint.ts`. */
  readonly intercept: Endpoint['intercept'];
  /**
   * A token of this machine's issuer; `undefined` where the template asks for none.
   * @throws {Error} that names a scope that there is not.
   */
  token(wanted: WantedToken): Promise<string | undefined>;
  overview(): Overview;
  /** Ends everything that it started. A second call waits for the first. */
  stop(): Promise<void>;
}

/**
 * The memory counted for a worker, in bytes. With 64 busy ones of one function beside the other
 * functions' the process took 2.5 GB (`npm run bench -- --only blog` prints it), up to 5
 * before.
 */
const WORKER_BYTES = 64 * 1024 * 1024;

/**
 * The default for the environments of one function: as many as half of the memory bears, 64 at most
 * and 4 at least.
 * @param memory of the machine, in bytes.
 */
export const workersFor = (memory: number): number =>
  Math.max(4, Math.min(64, Math.floor(memory / 2 / WORKER_BYTES)));

export const defaultWorkers = workersFor(totalmem());

/**
 * Runs a synthesized stack on this machine.
 *
 * @throws an error that names the obstacle: a template that cannot be run, a port in use, no Java.
 *   Nothing is then left running.
 */
export const startLocalCloud = async (options: LocalCloudOptions): Promise<LocalCloud> => {
  const started = createTeardown();
  try {
    return await start(options, started);
  } catch (error) {
    await started.stop().catch((failed: unknown) => options.report.warn(String(failed)));
    throw error;
  }
};

const start = async (options: LocalCloudOptions, started: Teardown): Promise<LocalCloud> => {
  const { report } = options;
  const reading = readWhenThere(options);
  // If something else fails first, the user hears that error instead.
  reading.catch(() => {});
  await assertPortIsFree(options.port);
  if (options.dataDirectory !== undefined) {
    started.add(takeDataDirectory(options.dataDirectory), (it) => it.release());
  }
  const engine = await startEngine(options, started);
  const template = await reading;
  const dynamodb: DynamoDbSettings = {
    endpoint: engine.endpoint,
    region: template.region,
    credentials: { accessKeyId: engine.accessKeyId, secretAccessKey: 'local' },
  };
  const client = started.add(new DynamoDBClient(dynamodb), (it) => it.destroy());
  const tables = await createTables(client, template.tables);
  report.step(`${tables.size} tables`);

  const connection = started.add(connectToDynamoDb(dynamodb), (it) => it.close());
  const streamsApi = streamsOf(connection);
  const streams = openTableStreams(tables, (streamArn) =>
    openStream({ streams: streamsApi, streamArn, longestPauseMs: UNSEEN_MS, report: report.warn }),
  );
  const access = createAccess(template.policies);
  const enforced: Enforced = { template, access, report: report.warn };
  const endpoint = await startEndpoint({
    dynamodb: connection,
    onWrite: streams.wake,
    stepFunctions: (target, body) => stepFunctions.handle(target, body),
    functionNames: template.functions.map(({ name }) => name),
    guard: createGuard({
      access,
      place: template,
      principalOf: (name) => roleOf(template, name),
      appendOnly: template.appendOnly,
      report: report.warn,
    }),
  });
  started.add(endpoint, (it) => it.stop());
  const functions = startFunctions(enforced, endpoint, options);
  for (const running of functions.values()) started.add(running, (it) => it.stop());
  const stepFunctions = startStepFunctions({
    stateMachines: template.stateMachines,
    resolveFunction: (arn, { name, roleArn }) => {
      const found = [...functions.values()].find((candidate) => candidate.arn === arn);
      const principal: Principal = { kind: 'role', arn: roleArn, session: name };
      return found && invokedBy(found, { ...enforced, principal });
    },
    journalDirectory: inDataDirectory(options, 'executions'),
    report: report.warn,
  });
  started.add(stepFunctions, (it) => it.stop());

  const queues = new Map<string, unknown[]>(template.queues.map(({ name }) => [name, []]));
  const connected = { ...enforced, functions, streams, queues };
  deliverStreams(connected, options, started);
  for (const { functionName, arn: sourceArn, ...schedule } of template.schedules) {
    const principal: Principal = { kind: 'service', name: 'events.amazonaws.com', sourceArn };
    const target = invokedBy(byName(functions, functionName), { ...enforced, principal });
    const running = startSchedule({ ...schedule, target });
    started.add(running, (it) => it.stop());
  }
  report.step(`${functions.size} functions`);

  let url = '';
  const issuer = await startIssuer(template, () => `${url}/_local`, options);
  const control = createControl({
    functions,
    issuer,
    intercept: endpoint.intercept,
    execution: stepFunctions.execution,
    overview: () => overview(),
  });
  const served = await startHttpApi(
    toHttpApi(enforced, functions, authorizerOf(template, issuer)),
    { port: options.port, sideDoor: control },
  );
  started.add(served, (it) => it.stop());
  url = `http://127.0.0.1:${served.port}`;
  report.step('HTTP API');

  const { accessKeyId, endpoint: address, description } = engine;
  const overview = (): Overview =>
    toOverview(template, {
      url,
      functions: functions.values(),
      queues,
      dynamodb: { engine: description, endpoint: address, region: template.region, accessKeyId },
    });
  return {
    url,
    template,
    functions,
    queues,
    dynamodb,
    access,
    services: endpoint,
    intercept: endpoint.intercept,
    token: async (wanted) => issuer?.token(wanted),
    overview,
    stop: started.stop,
  };
};

type Functions = ReadonlyMap<string, RunningFunction>;

/** What enforcing the roles of a template takes. */
interface Enforced {
  readonly template: LocalTemplate;
  readonly access: Access;
  /** Told of what is refused. */
  readonly report: (line: string) => void;
}

/** The role that a function acts under, and that Lambda acts under in its name. */
const roleOf = ({ functions }: LocalTemplate, name: string): Principal => {
  const found = functions.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`There is no function ${name}`);
  return { kind: 'role', arn: found.roleArn, session: name };
};

const startFunctions = (
  { template, access, report }: Enforced,
  { url, accessKeyIdOf }: Endpoint,
  options: LocalCloudOptions,
): Functions =>
  new Map(
    template.functions.map((definition) => [
      definition.name,
      startFunction(definition, {
        endpoints: {
          dynamodb: url,
          stepFunctions: url,
          accessKeyId: accessKeyIdOf(definition.name),
        },
        maxWorkers: options.workersPerFunction ?? defaultWorkers,
        log: logOf({
          access,
          principal: roleOf(template, definition.name),
          logStreamArn: logStreamArn(template, definition.name),
          log: (line) => options.report.log(definition.name, line),
          report,
        }),
        onFailure: ({ errorType, errorMessage }) =>
          options.report.warn(
            `${definition.name}: ${errorType}: ${errorMessage.replaceAll(/\s*\n\s*/g, ' ')}`,
          ),
      }),
    ]),
  );

const logStreamArn = ({ region, accountId }: LocalTemplate, functionName: string): string =>
  `arn:aws:logs:${region}:${accountId}:log-group:${logGroupName(functionName)}:log-stream:local`;

/**
 * Functions write through the endpoint, which wakes the streams. A write past it, by a test or by
 * hand, may go unseen this long.
 */
const UNSEEN_MS = 250;

/** The two ends of an event source mapping. */
interface Connected extends Enforced {
  readonly functions: Functions;
  readonly streams: TableStreams;
  readonly queues: ReadonlyMap<string, unknown[]>;
}

const deliverStreams = (
  connected: Connected,
  options: LocalCloudOptions,
  started: Teardown,
): void => {
  const { report } = options;
  const { template, access } = connected;
  const checkpoints = openCheckpoints(inDataDirectory(options, 'stream-positions.json'));
  started.add(checkpoints, (it) => it.flush());
  for (const line of crowdedStreams(template)) report.warn(line);
  for (const mapped of template.eventSourceMappings) {
    const { logicalId, properties, table, functionName, onFailure } = mapped;
    const principal = roleOf(template, functionName);
    assertMayRead(access, principal, properties.EventSourceArn);
    const stream = connected.streams.of(table);
    if (!stream) throw new Error(`"${logicalId}" reads the stream of "${table}", which has none`);
    const mapping = startEventSourceMapping({
      properties,
      stream,
      target: byName(connected.functions, functionName),
      onFailure: (message) => {
        report.warn(`${functionName}: a batch was given up: ${JSON.stringify(message)}`);
        const queue = template.queues.find(({ name }) => name === onFailure);
        if (!queue) return;
        const refusal = access.refusal({
          principal,
          action: 'sqs:SendMessage',
          resource: queue.arn,
        });
        if (refusal !== undefined) report.warn(`${functionName}: a message is lost: ${refusal}`);
        else connected.queues.get(queue.name)?.push(message);
      },
      checkpoints,
      report: report.warn,
    });
    started.add(mapping, (it) => it.stop());
  }
};

/**
 * Finds streams with more readers than AWS supports: it accepts the mappings and throttles their
 * reads (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html: at most two consumers a
 * shard). The local cloud serves all of them.
 */
const crowdedStreams = ({ eventSourceMappings }: LocalTemplate): string[] =>
  [...Map.groupBy(eventSourceMappings, ({ table }) => table)]
    .filter(([, readers]) => readers.length > READERS_PER_SHARD)
    .map(([table, readers]) => {
      const names = readers.map(({ functionName }) => functionName).join(', ');
      return `The stream of "${table}" has ${readers.length} readers (${names}): AWS would throttle all beyond two.`;
    });

const READERS_PER_SHARD = 2;

/** The issuer that stands for the identity provider whose tokens the API takes. */
const startIssuer = async (
  { api: { audience }, functions }: LocalTemplate,
  url: () => string,
  options: LocalCloudOptions,
): Promise<Issuer | undefined> => {
  const [clientId] = audience ?? [];
  if (clientId === undefined) return undefined;
  const keyFile = inDataDirectory(options, 'issuer-key.json');
  return openIssuer({ url, clientId, scopeNames: scopeNamesOf(functions), keyFile });
};

/**
 * The provider's names of scopes, by the names that clients know: the functions are told both, by
 * the variable `SCOPES`, so that a local token has the provider's names, as on AWS.
 */
const scopeNamesOf = (functions: LocalTemplate['functions']): ReadonlyMap<string, string> => {
  const [json = '{}'] = functions.flatMap(({ variables }) => variables['SCOPES'] ?? []);
  const names = z.record(z.string(), z.string()).parse(JSON.parse(json));
  return new Map(Object.entries(names).map(([theirs, ours]) => [ours, theirs]));
};

const authorizerOf = (
  { api: { audience = [] } }: LocalTemplate,
  issuer: Issuer | undefined,
): Authorize | undefined =>
  issuer &&
  createAuthorizer({ issuer: issuer.url, audience, keySet: issuer.keySet, clock: Date.now });

const toHttpApi = (
  enforced: Enforced,
  functions: Functions,
  authorize: Authorize | undefined,
): HttpApiDefinition => {
  const { region, accountId, api } = enforced.template;
  const arn = `arn:aws:execute-api:${region}:${accountId}:${api.id}/${api.stage}`;
  return {
    apiId: api.id,
    accountId,
    stage: api.stage,
    throttle: api.throttle,
    routeThrottles: api.routeThrottles,
    routes: api.routes.map(({ routeKey, target: { functionName, timeoutMs, isAuthorized } }) => {
      const sourceArn = `${arn}/${routeKey.replace(' ', '')}`;
      const principal: Principal = { kind: 'service', name: 'apigateway.amazonaws.com', sourceArn };
      const target = invokedBy(byName(functions, functionName), { ...enforced, principal });
      return {
        routeKey,
        target: { target, timeoutMs, authorize: isAuthorized ? authorize : undefined },
      };
    }),
  };
};

const byName = (functions: Functions, name: string): RunningFunction => {
  const found = functions.get(name);
  if (!found) throw new Error(`There is no function ${name}`);
  return found;
};

interface Engine {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly description: string;
}

const startEngine = async (options: LocalCloudOptions, started: Teardown): Promise<Engine> => {
  if (options.dynamodb) return { ...options.dynamodb, description: 'given' };
  const accessKeyId = databaseKey(options.dataDirectory);
  const engine = await startDynamoDbLocal({
    dataDirectory: inDataDirectory(options, 'dynamodb'),
    report: options.report.warn,
  });
  started.add(engine, (it) => it.stop());
  options.report.step(engine.description);
  return {
    endpoint: engine.endpoint,
    // Of an engine that runs already, the tables of the last start are expected to be there.
    accessKeyId: engine.isGiven ? KNOWN_KEY : accessKeyId,
    description: engine.description,
  };
};

const readWhenThere = async ({ assembly }: LocalCloudOptions): Promise<LocalTemplate> =>
  readTemplate(await assembly);

const inDataDirectory = ({ dataDirectory }: LocalCloudOptions, name: string): string | undefined =>
  dataDirectory === undefined ? undefined : join(dataDirectory, name);
