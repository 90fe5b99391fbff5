import type { Environment } from 'aws-cdk-lib';
import type { Scope } from '../functions/http/identity/scope.ts';
import type { FunctionName } from './constructs/catalogue.ts';

/** The settings that differ between stages, or are worth tuning without reading the constructs. */
export interface StageSettings {
  /**
   * The account and the region that the stage is for. A field that is left out comes from the
   * deployer's own environment.
   */
  readonly env: Pick<Environment, 'account' | 'region'>;
  /**
   * How callers are told apart (docs/decisions/0017): by the tokens of an identity provider, any
   * that speaks OpenID Connect or the stage's own Cognito user pool. `open`: not at all; everybody is
   * `local` and may do everything. No stage is set so: `-c open=yes` says that it is meant.
   */
  readonly identity: OidcSettings | CognitoSettings | 'open';
  /**
   * The lowest level that the functions log. Not above `INFO`: Lambda takes a line without a level
   * for one of `INFO`, and drops lines below the level; the lines that hold the metrics have none.
   */
  readonly logLevel: 'DEBUG' | 'INFO';
  /** Days that every log group keeps its lines. One of the values that CloudWatch Logs knows. */
  readonly logRetentionDays: 7 | 30 | 90 | 180 | 365;
  /**
   * Whether tables and stack refuse to be deleted, and tables and logs stay when the stack goes.
   */
  readonly protectData: boolean;
  /**
   * Whether X-Ray follows requests through the functions and the workflow: all of them or none. An
   * HTTP API cannot be traced.
   */
  readonly tracing: boolean;
  /**
   * Units a second that a table, and each of its indexes, takes from the start. A new table takes
   * some 4,000 write units and 12,000 read units, and grows with the load, in minutes; AWS charges
   * once for more than that.
   */
  readonly warmThroughput: Readonly<Partial<Record<TableName, Throughput>>>;
  /**
   * The concurrency reserved for a function: the most of its invocations that run at once, whatever
   * the other functions do. Clients that wait for a transfer hold invocations of request-transfer
   * while they wait. Those must not take up the whole account, or the transfers never run.
   *
   * An account has to have 100 more than all its functions reserve; a new account may have 10, and
   * cannot reserve any.
   */
  readonly reservedConcurrency: Readonly<Partial<Record<FunctionName, number>>>;
  /**
   * Where the functions run that answer requests from the tables. `on-demand`: an environment takes
   * one request at a time, and costs nothing without requests. `instances`: an environment on
   * Lambda Managed Instances takes many, which share what they know of an account, and its
   * instances cost by the hour (docs/decisions/0013). All other functions are on demand. A function
   * never leaves managed instances, so functions of the two kinds differ in name.
   */
  readonly compute: Compute;
  /**
   * How transfers are carried out (docs/decisions/0010). `adaptive`: in one transaction over both
   * accounts where nobody else is at them, else as with `stream`. `stream`: reserved, then credited
   * and settled by the function behind the stream, which leaves to the workflow what does not go
   * straight. `workflow`: reserved, then an execution of the workflow for every transfer, which has
   * its history in Step Functions.
   */
  readonly transfers: Transfers;
  /** The settings of each function on managed instances; unused where all are on demand. */
  readonly instances: InstanceSettings;
  /**
   * With whose key everything is encrypted at rest. `aws`: AWS's own, which costs nothing and which
   * nobody can look after. `customer`: one of this account, whose uses CloudTrail lists, and whose
   * policy and deletion are the customer's (docs/decisions/0021).
   */
  readonly key: KeyOwner;
  /**
   * How many requests the API lets through; beyond it the gateway answers 429. `reads`: all routes
   * that `commands` does not bound, taken together. `commands`: each route that changes something,
   * alone, so that the flood of one leaves the others their share.
   */
  readonly throttling: Readonly<Record<'reads' | 'commands', Throttling>>;
  readonly streams: Readonly<Record<StreamConsumer, StreamSettings>>;
  /**
   * `standard`: exactly once per name, 90 days of history, paid by transition. `express`: at least
   * once, names not unique, at most 5 minutes, paid by time. Every step may be repeated, so both
   * are right.
   */
  readonly workflowType: 'standard' | 'express';
  /** The e-mail addresses that get the alarms. AWS asks each once to confirm. */
  readonly alarmEmails: readonly string[];
  readonly alarms: AlarmThresholds;
}

/** An identity provider that speaks OpenID Connect. */
interface OidcSettings {
  /** `iss` of its tokens. Its documents are at `/.well-known/openid-configuration` under it. */
  readonly issuer: string;
  /** A token is for this API where its `aud`, or without one its `client_id`, is one of these. */
  readonly audience: readonly string[];
  /**
   * Our scopes, by the provider's names. A name that is not here counts for nothing. Whom the
   * provider lets have a name that means `ledger:operate` may do everything.
   */
  readonly scopes: Readonly<Record<string, Scope>>;
}

/** The stage's own Cognito user pool. */
export interface CognitoSettings {
  /**
   * Where the customers' program takes their sign-in; empty: there is no such program yet, and no
   * client for it.
   */
  readonly callbackUrls: readonly string[];
}

/** Whose keys there are to encrypt with. */
export const keyOwners = ['aws', 'customer'] as const;

export type KeyOwner = (typeof keyOwners)[number];

interface Throttling {
  /** Requests a second. */
  readonly rate: number;
  /** Requests at the same moment. */
  readonly burst: number;
}

/** The kinds of environments that functions behind the API may run in. */
export const computes = ['on-demand', 'instances'] as const;

export type Compute = (typeof computes)[number];

/** The ways to carry transfers out. */
export const transfersSettings = ['adaptive', 'stream', 'workflow'] as const;

export type Transfers = (typeof transfersSettings)[number];

/** The settings of a function on managed instances. */
interface InstanceSettings {
  /**
   * Memory of an environment, in MiB: 2,048 at least, with which it has one processor. One thread
   * does the work of an environment, so more processors would have nothing to do.
   */
  readonly memory: number;
  /** Requests that an environment takes at once: 64 a processor is the most for Node.js. */
  readonly concurrency: number;
  /**
   * Environments of one function: `least` are always there and paid, one for each of three
   * Availability Zones; up to `most` come with the load, in minutes.
   */
  readonly environments: { readonly least: number; readonly most: number };
  /** The most processors of all instances together, 12 to 15,000: this bounds the costs. */
  readonly processors: number;
}

/** The tables, as the constructs call them. */
export type TableName = 'events' | 'commands' | 'queue' | 'views';

/** Units a second. */
interface Throughput {
  readonly read: number;
  readonly write: number;
}

/** The functions that read a table's stream. */
export const streamConsumers = [
  'project-views',
  'carry-out-transfers',
  'start-transfers',
  'decide-pending',
] as const;
export type StreamConsumer = (typeof streamConsumers)[number];

/** How a stream is handed to its consumer. */
export interface StreamSettings {
  /** Stream records in one invocation, at most. */
  readonly batchSize: number;
  /**
   * Batches of one shard at the same time. AWS keeps the order of each item, not of a partition
   * key: two batches may hold commands of one account.
   */
  readonly parallelBatches: number;
  /**
   * How often Lambda tries a failing batch again before it gives up the stream records and reports
   * them as a dead letter.
   */
  readonly retryAttempts: number;
  /** Age in minutes at which Lambda gives up a stream record. The stream itself keeps 24 hours. */
  readonly maxRecordAgeMinutes: number;
}

/** The thresholds of the alarms. */
interface AlarmThresholds {
  /** Age of the oldest transfer whose money is reserved and has not arrived. */
  readonly oldestOpenTransferMinutes: number;
  /** Stream records that the consumers report as failed, in five minutes. */
  readonly failedRecords: number;
  /** Age in seconds of the oldest stream record that a consumer has not finished. */
  readonly iteratorAgeSeconds: number;
  /** Answers of the API with a status of 500 or more, in five minutes. */
  readonly serverErrors: number;
  /** The latency that 99 of 100 requests stay below, on the slowest route that does not wait. */
  readonly latencyMs: number;
  /** Appends that lost their race to a faster one, in percent of all appends. */
  readonly lostRacesPercent: number;
  /** Requests that a table and its indexes throttled, in five minutes. */
  readonly tableThrottles: number;
  /**
   * Invocations at the same moment in the whole account. The quota is 1,000, unless AWS has raised
   * it.
   */
  readonly concurrentExecutions: number;
  /** Failed invocations of one group of functions, in five minutes. */
  readonly functionErrors: number;
  /**
   * Invocations of one group of functions that were refused for want of concurrency, in five
   * minutes.
   */
  readonly functionThrottles: number;
}

const streams: StageSettings['streams'] = {
  // One batch of a shard at a time: an account's commits then come in order, and the views are
  // written once per batch.
  'project-views': {
    batchSize: 100,
    parallelBatches: 1,
    retryAttempts: 20,
    maxRecordAgeMinutes: 6 * 60,
  },
  // One batch of a shard at a time: the transfers that come meanwhile are the next one, so the
  // busier an account is, the more of its transfers share a commit. Giving up early is safe:
  // recover-transfers starts the transfers that were neither ended nor handed over.
  'carry-out-transfers': {
    batchSize: 100,
    parallelBatches: 1,
    retryAttempts: 10,
    maxRecordAgeMinutes: 60,
  },
  // Step Functions bounds how fast executions start, so more batches at a time would start no more.
  // Giving up early is as safe as above.
  'start-transfers': {
    batchSize: 100,
    parallelBatches: 1,
    retryAttempts: 10,
    maxRecordAgeMinutes: 60,
  },
  // More than the 99 that one transaction decides: a batch holds the commands of several accounts.
  // One batch of a shard at a time: each queued command is an item of its own, and AWS keeps the
  // order per item only, so with more batches several invocations would race for one account.
  // Giving up late is right: a command that was given up stays pending until its client repeats it.
  'decide-pending': {
    batchSize: 500,
    parallelBatches: 1,
    retryAttempts: 100,
    maxRecordAgeMinutes: 6 * 60,
  },
};

/** Each consumer is invoked once per shard at a time; a table has as many shards as partitions. */
const consumers = {
  'project-views': 50,
  'carry-out-transfers': 50,
  'start-transfers': 50,
  'decide-pending': 50,
};
const steps = { 'credit-transfer': 20, 'settle-transfer': 20, 'release-transfer': 20 };
/**
 * The schedules invoke them every minute, the one for up to five, the other for up to one: that is
 * five and one at once, and one by hand.
 */
const scheduled = { 'recover-transfers': 6, 'expire-holds': 2 };

/**
 * Three environments of nine functions need 27 processors, and Lambda keeps one of each instance's:
 * nine instances of four.
 */
const instances: InstanceSettings = {
  memory: 2_048,
  concurrency: 64,
  environments: { least: 3, most: 6 },
  processors: 80,
};

const stages = {
  /** The default: what `npm start` runs, and what a developer deploys and throws away again. */
  dev: {
    env: {},
    identity: { callbackUrls: ['http://localhost:8080/'] },
    logLevel: 'INFO',
    logRetentionDays: 7,
    protectData: false,
    tracing: true,
    warmThroughput: {},
    // A developer's account may be too new to reserve any.
    reservedConcurrency: {},
    compute: 'on-demand',
    transfers: 'adaptive',
    instances,
    key: 'aws',
    throttling: {
      reads: { rate: 2_000, burst: 2_000 },
      commands: { rate: 2_000, burst: 2_000 },
    },
    streams,
    workflowType: 'standard',
    alarmEmails: [],
    alarms: {
      oldestOpenTransferMinutes: 10,
      failedRecords: 20,
      iteratorAgeSeconds: 120,
      serverErrors: 5,
      latencyMs: 5_000,
      lostRacesPercent: 80,
      tableThrottles: 100,
      concurrentExecutions: 800,
      functionErrors: 5,
      functionThrottles: 5,
    },
  },
  prod: {
    env: {},
    identity: { callbackUrls: [] },
    logLevel: 'INFO',
    logRetentionDays: 365,
    protectData: true,
    tracing: true,
    warmThroughput: {},
    reservedConcurrency: { ...consumers, ...steps, ...scheduled },
    compute: 'on-demand',
    transfers: 'adaptive',
    instances: { ...instances, environments: { least: 3, most: 30 }, processors: 400 },
    key: 'customer',
    throttling: {
      reads: { rate: 5_000, burst: 2_500 },
      commands: { rate: 2_000, burst: 1_000 },
    },
    streams,
    workflowType: 'standard',
    alarmEmails: [],
    alarms: {
      oldestOpenTransferMinutes: 5,
      failedRecords: 5,
      iteratorAgeSeconds: 60,
      serverErrors: 1,
      latencyMs: 2_000,
      lostRacesPercent: 50,
      tableThrottles: 10,
      concurrentExecutions: 800,
      functionErrors: 1,
      functionThrottles: 1,
    },
  },
} as const satisfies Record<string, StageSettings>;

/** The name of a stage: part of every resource's name. */
export type StageName = keyof typeof stages;

export const stageNames: readonly StageName[] = Object.keys(stages).filter(isStageName);

export const defaultStage: StageName = 'dev';

/**
 * @param name what the user typed.
 * @throws an error that lists the stages when there is none of that name.
 */
export const parseStage = (name: string): StageName => {
  if (!isStageName(name))
    throw new Error(`There is no stage "${name}". The stages are: ${stageNames.join(', ')}.`);
  return name;
};

/**
 * @param name what the user typed.
 * @throws an error that lists the kinds when it is none of them.
 */
export const parseCompute = (name: string): Compute => {
  const found = computes.find((compute) => compute === name);
  if (found === undefined)
    throw new Error(`There is no compute "${name}". There is: ${computes.join(', ')}.`);
  return found;
};

/**
 * @param name what the user typed.
 * @throws an error that lists the ways when it is none of them.
 */
export const parseTransfers = (name: string): Transfers => {
  const found = transfersSettings.find((transfers) => transfers === name);
  if (found === undefined) {
    throw new Error(
      `There is no setting "${name}" of transfers. There is: ${transfersSettings.join(', ')}.`,
    );
  }
  return found;
};

/**
 * @param name what the user typed.
 * @throws an error that lists the owners when it is none of them.
 */
export const parseKeyOwner = (name: string): KeyOwner => {
  const found = keyOwners.find((owner) => owner === name);
  if (found === undefined)
    throw new Error(`There is no key of "${name}". There is: ${keyOwners.join(', ')}.`);
  return found;
};

/** The settings of a stage. */
export const settingsOf = (stage: StageName): StageSettings => stages[stage];

function isStageName(name: string): name is StageName {
  return Object.hasOwn(stages, name);
}
