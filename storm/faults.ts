/**
 * A fault that can be put back into the code: a text of a file, and the text that stood, or could
 * stand, in its place.
 */
export interface Fault {
  readonly name: string;
  /** What the code then does, in a sentence. */
  readonly summary: string;
  /** Which rule of docs/architecture.md, *What may be concluded*, it breaks. */
  readonly rule: number;
  readonly patches: readonly Patch[];
  /** The number of seeds within which it must be caught. */
  readonly within: number;
}

/** A place in a file, and what is put there. */
interface Patch {
  /** From the root of the repository. */
  readonly file: string;
  /** It must be there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** All faults that can be put back. */
export const faults: readonly Fault[] = [
  {
    name: 'mixed-reasons',
    summary:
      'a write of one command is held for landed where the winner has the command’s id and nothing is said of its records',
    rule: 1,
    within: 10,
    patches: [
      {
        file: 'functions/store/deciding/lane.ts',
        find: '(found) => writeIdOf(found) === writeId,\n      );',
        replace:
          '(found) => writeIdOf(found) === writeId) || (batch.length === 1 && result.records.length === 0 && result.winner?.events[0]?.origin.commandId === batch[0]?.submission.origin.commandId);',
      },
    ],
  },
  {
    name: 'unknown-is-undone',
    summary: 'a write whose result is not known is answered as one that was not written',
    rule: 9,
    within: 50,
    patches: [
      {
        file: 'functions/store/writing/until-known.ts',
        find: "return { result: uncertain ? { kind: 'unknown' } : result, uncertain };",
        replace: "return { result: { kind: 'conflict' }, uncertain: false };",
      },
    ],
  },
  {
    name: 'half-answer-is-absence',
    summary: 'an answer of 200 that says nothing is read as “there is no such item”',
    rule: 9,
    within: 50,
    patches: [
      {
        file: 'functions/runtime/answered.ts',
        find: 'if (answer.ConsumedCapacity === undefined) throw new UnreadableAnswer();',
        replace: '',
      },
    ],
  },
  {
    name: 'further-key-unclaimed',
    summary: 'a repeat under a further key does not claim that key',
    rule: 4,
    within: 50,
    patches: [
      {
        file: 'functions/store/deciding/further-keys.ts',
        find: 'let left = keys.filter((key) => key !== record.key);',
        replace: 'let left = keys.filter(() => false);',
      },
    ],
  },
  {
    name: 'stale-rejection',
    summary: 'a rejection is answered that was decided on an old tail',
    rule: 6,
    within: 50,
    patches: [
      {
        file: 'functions/store/deciding/lane.ts',
        find: 'if (planned.batch.every(isFresh)) return planned;',
        replace: "if (planned.plan !== 'too_large') return planned;",
      },
    ],
  },
  {
    name: 'mismatch-unasked',
    summary: 'a mismatch of versions is answered without asking the records',
    rule: 5,
    within: 50,
    patches: [
      {
        file: 'functions/store/deciding/lane.ts',
        find: "if (result.outcome === 'version_mismatch') this.#askFirst(candidate, decide);",
        replace: "if (result.outcome === 'version_mismatch') decide();",
      },
    ],
  },
  {
    name: 'repeat-credit',
    summary: 'the credit of a transfer has no key, so a delivery that comes again pays again',
    rule: 2,
    within: 50,
    patches: [
      {
        file: 'functions/transfers/steps/step-requests.ts',
        find: 'keys: [creditKey(transfer)],',
        replace: 'keys: [],',
      },
    ],
  },
  {
    name: 'if-match-queued',
    summary: 'a command with If-Match queues, and is decided at whatever version comes',
    rule: 5,
    within: 50,
    patches: [
      {
        file: 'functions/store/execute.ts',
        find: '!NEVER_QUEUED.has(command.type) && expectedVersions === undefined;',
        replace: '!NEVER_QUEUED.has(command.type) && expectedVersions !== null;',
      },
    ],
  },
  {
    name: 'any-snapshot',
    summary: 'a snapshot is taken for this code’s, whatever its schema',
    rule: 7,
    within: 50,
    patches: [
      {
        file: 'functions/store/stream/commit.ts',
        find: 'const snapshot = stateSchema === ACCOUNT_SCHEMA ? Account.safeParse(state).data : undefined;',
        replace:
          'const snapshot = stateSchema && ACCOUNT_SCHEMA ? Account.safeParse(state).data : undefined;',
      },
    ],
  },
  {
    name: 'half-guarded',
    summary: 'of the commits of one transaction only the first needs its place to be free',
    rule: 1,
    within: 50,
    patches: [
      {
        file: 'functions/store/writing/write.ts',
        find: '...commits.map((commit) => putWhere(tables.eventsTable, commit, placeIsFree)),',
        replace:
          '...commits.map((commit, n) => putWhere(tables.eventsTable, commit, n ? {} : placeIsFree)),',
      },
    ],
  },
  {
    name: 'key-overwritten',
    summary: 'a record is written whether its key is free or not',
    rule: 4,
    within: 50,
    patches: [
      {
        file: 'functions/store/writing/write.ts',
        find: `? {
        ConditionExpression: 'attribute_not_exists(#key)',
        ExpressionAttributeNames: { '#key': 'key' },
      }`,
        replace: '? {}',
      },
    ],
  },
];
