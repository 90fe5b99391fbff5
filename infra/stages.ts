/** What differs from one stage to another, or is worth tuning without reading the constructs. */
export interface StageSettings {
  /** The functions' lowest level that is logged. */
  readonly logLevel: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  /** Days that every log group keeps its lines. One of the values that CloudWatch Logs knows. */
  readonly logRetentionDays: 7 | 30 | 90 | 180 | 365;
  /** Whether tables refuse to be deleted, and stay, with the logs, when the stack goes. */
  readonly protectData: boolean;
  readonly throttling: {
    /** Requests a second, all routes together. */
    readonly rate: number;
    /** Requests at the same moment. */
    readonly burst: number;
  };
  readonly streams: Readonly<Record<StreamConsumer, StreamSettings>>;
  /**
   * What becomes of a command that meets others on its account.
   * `queue`: it queues, and decide-pending decides it together with the others, in one commit.
   * `race`: it is decided again after each commit that won, until it wins or its time is up. Without queueing an account that is
   * hot wastes almost every write: this is what queueing is measured against.
   */
  readonly hotAccounts: 'queue' | 'race';
  /**
   * `standard`: exactly once per name, 90 days of history, paid by transition.
   * `express`: at least once, names not unique, at most 5 minutes, paid by time. Every step may be repeated, so both are right.
   */
  readonly workflowType: 'standard' | 'express';
  readonly alarms: AlarmThresholds;
}

/** The functions that read a table's stream. */
export const streamConsumers = ['project-views', 'carry-out-transfers', 'decide-pending'] as const;
type StreamConsumer = (typeof streamConsumers)[number];

/** How a stream is handed to its consumer. */
export interface StreamSettings {
  /** Records in one invocation, at most. */
  readonly batchSize: number;
  /** Batches of one shard at the same time. AWS keeps the order of each item, not of a partition key: two batches may hold one account. */
  readonly parallelBatches: number;
  /** How often a failing batch is tried again before its records are given up and reported as a dead letter. */
  readonly retryAttempts: number;
  /** Age in minutes at which a record is given up. The stream itself keeps 24 hours. */
  readonly maxRecordAgeMinutes: number;
}

/** Where an alarm rings. */
interface AlarmThresholds {
  /** Age in seconds of the oldest record that a stream's consumer has not finished. */
  readonly iteratorAgeSeconds: number;
  /** Answers of the API with a status of 500 or more, in five minutes. */
  readonly serverErrors: number;
  /** Failed invocations of one group of functions, in five minutes. */
  readonly functionErrors: number;
  /** Invocations of one group of functions that were refused for want of concurrency, in five minutes. */
  readonly functionThrottles: number;
}

const streams: StageSettings['streams'] = {
  // One batch of a shard at a time: an account's commits then come in order, and the views are written once per batch.
  'project-views': { batchSize: 100, parallelBatches: 1, retryAttempts: 20, maxRecordAgeMinutes: 6 * 60 },
  // One batch of a shard at a time: what comes in meanwhile is the next one, so the busier an account is, the more of its transfers
  // share a commit. Giving up early is safe: recover-transfers starts what was neither ended nor handed over.
  'carry-out-transfers': { batchSize: 100, parallelBatches: 1, retryAttempts: 10, maxRecordAgeMinutes: 60 },
  // More than the 99 that one transaction decides: a batch holds the commands of several accounts. One batch of a shard at a time:
  // each queued command is an item of its own, and AWS keeps the order per item only, so with more the commands of one account would
  // go to several takers at once, who race for it. Giving up late is right: a command that was given up stays pending until its
  // client repeats it.
  'decide-pending': { batchSize: 500, parallelBatches: 1, retryAttempts: 100, maxRecordAgeMinutes: 6 * 60 },
};

const stages = {
  /** The default: what `npm start` runs, and what a developer deploys and throws away again. */
  dev: {
    logLevel: 'INFO',
    logRetentionDays: 7,
    protectData: false,
    throttling: { rate: 2_000, burst: 2_000 },
    streams,
    hotAccounts: 'queue',
    workflowType: 'standard',
    alarms: { iteratorAgeSeconds: 120, serverErrors: 5, functionErrors: 5, functionThrottles: 5 },
  },
  prod: {
    logLevel: 'INFO',
    logRetentionDays: 365,
    protectData: true,
    throttling: { rate: 5_000, burst: 2_500 },
    streams,
    hotAccounts: 'queue',
    workflowType: 'standard',
    alarms: { iteratorAgeSeconds: 60, serverErrors: 1, functionErrors: 1, functionThrottles: 1 },
  },
} as const satisfies Record<string, StageSettings>;

/** The name of a stage: part of every resource's name. */
export type StageName = keyof typeof stages;

export const stageNames: readonly StageName[] = Object.keys(stages).filter(isStageName);

export const defaultStage: StageName = 'dev';

/**
 * @param name what somebody typed.
 * @throws an error that lists the stages when there is none of that name.
 */
export const parseStage = (name: string): StageName => {
  if (!isStageName(name)) throw new Error(`There is no stage "${name}". The stages are: ${stageNames.join(', ')}.`);
  return name;
};

/** What is set for a stage. */
export const settingsOf = (stage: StageName): StageSettings => stages[stage];

function isStageName(name: string): name is StageName {
  return Object.hasOwn(stages, name);
}
