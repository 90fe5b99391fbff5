import { describe, expect, it } from 'vitest';
import { AccountId, Caller, Timestamp } from '../../../events/values.ts';
import {
  type CommitFacts,
  chainHash,
  jsonBytes,
  readCommit,
  record,
} from '../../../functions/store/stream/commit.ts';
import { emptyTail, follow, hasSnapshot, tailAt } from '../../../functions/store/stream/tail.ts';
import { plantedCommit } from '../../../testing/planted-commit.ts';
import { deposited, opened, reserved, settled } from '../ledger/facts.ts';
import { NOON } from '../ledger/given.ts';

const empty = emptyTail(AccountId.parse('a1'));
const actor = Caller.parse('alice');

const planted = (tail = empty, ...commands: Parameters<typeof plantedCommit>[2]) => {
  const next = plantedCommit(tail, `w${tail.version}`, commands, Date.parse(NOON));
  if (next === 'too_large') throw new Error('the commit is too large');
  return next;
};

const opening = { commandId: 'c1', events: [opened({ overdraftLimit: 9 })] };
const transfer = { commandId: 'c2', events: [reserved('t1', 5), ...settled('t1', 5)] };

describe('a commit', () => {
  it('of one command is read with who caused its events', () => {
    const commit = readCommit(planted(empty, opening).item);
    expect(commit).toMatchObject({ version: 1, count: 1, batch: 1 });
    const origin = { commandId: 'c1', actor, correlationId: 'planted' };
    expect(commit.events).toStrictEqual([{ ...opening.events[0], version: 1, at: NOON, origin }]);
  });
  it('of several is read with who caused which of them', () => {
    const commit = readCommit(planted(empty, opening, transfer).item);
    expect(commit).toMatchObject({ version: 1, count: 4, batch: 2 });
    expect(commit.events.map(({ version, origin }) => [version, origin.commandId])).toEqual([
      [1, 'c1'],
      [2, 'c2'],
      [3, 'c2'],
      [4, 'c2'],
    ]);
    expect(commit.events[1]?.origin).toStrictEqual({
      commandId: 'c2',
      actor,
      correlationId: 'planted',
    });
  });
  it('says what its events take on disk', () => {
    const { item } = planted(empty, opening);
    expect(readCommit(item).eventBytes).toBe(jsonBytes(item['events']));
  });

  const whole = () => planted(empty, opening, transfer).item;
  const alone = () => planted(empty, opening).item;

  it.each([
    ['fewer events than it holds', { count: 3 }],
    ['more events than it holds', { count: 5 }],
    [
      'who caused fewer events than it holds',
      { commands: [{ commandId: 'c1', actor, correlationId: 'k', count: 1 }] },
    ],
  ])('that says %s is refused', (_, other) =>
    expect(() => readCommit({ ...whole(), ...other })).toThrow(
      /^commit a1\/1 says \d events; it has 4, of \d known origin$/,
    ),
  );
  it('that holds fewer events than all its words say is refused', () =>
    expect(() => readCommit({ ...whole(), events: [] })).toThrow('says 4 events; it has 0'));
  it.each(['commandId', 'actor', 'correlationId'])(
    'of one command that does not say its %s is refused',
    (missing) =>
      expect(() => readCommit({ ...alone(), [missing]: undefined })).toThrow(
        'it has 1, of 0 known origin',
      ),
  );
  it.each(['streamId', 'version', 'count', 'events', 'at', 'writeId', 'hash', 'snapshots'])(
    'without its %s is none, and says what is missing',
    (missing) => expect(() => readCommit({ ...alone(), [missing]: undefined })).toThrow(missing),
  );
  it.each([
    ['no event', { count: 0, events: [] }],
    ['half an event', { count: 0.5 }],
    ['a schema of its snapshot that is no number', { stateSchema: 'one' }],
    ['a snapshot at half a version', { snapshots: { 1: 0.5 } }],
    ['a command without its id', { commands: [{ actor, correlationId: 'k', count: 1 }] }],
    [
      'a command without its actor',
      { commands: [{ commandId: 'c1', correlationId: 'k', count: 1 }] },
    ],
    ['a command without its correlation id', { commands: [{ commandId: 'c1', actor, count: 1 }] }],
    ['a command without its count', { commands: [{ commandId: 'c1', actor, correlationId: 'k' }] }],
  ])('with %s is none', (_, wrong) =>
    expect(() => readCommit({ ...alone(), ...wrong })).toThrow('not a commit'),
  );
  it('with attributes that this code does not know is read without them', () =>
    expect(readCommit({ ...whole(), colour: 'red' })).toStrictEqual(readCommit(whole())));
  it.each([
    ['of another schema', { stateSchema: 99 }],
    ['that says no schema', { stateSchema: undefined }],
    ['that cannot be read', { state: { balance: 'much' } }],
  ])('leaves out a snapshot %s', (_, other) => {
    expect(hasSnapshot(readCommit(alone()))).toBe(true);
    expect(readCommit({ ...alone(), ...other })).not.toHaveProperty('snapshot');
  });
  it('has no event that nobody caused', () =>
    expect(() => record([opened()], [], 7, Timestamp.parse(NOON))).toThrow(
      'nobody caused event 7',
    ));
});

describe('the hash of a commit', () => {
  const facts: CommitFacts = {
    streamId: AccountId.parse('a1'),
    version: 1,
    count: 1,
    events: [opened()],
    at: Timestamp.parse(NOON),
    writeId: 'w',
    commandId: 'c',
    actor,
    correlationId: 'k',
  };

  it('is what it was in every deployment so far', () => {
    expect(chainHash('', facts)).toBe('TxHuer5WdV8TsrwgsYKyfN1PAnWequPFoVJQFy7Eemo');
    expect(chainHash('TxHuer5WdV8TsrwgsYKyfN1PAnWequPFoVJQFy7Eemo', facts)).toBe(
      'O-rjkoR1J9wJsajKHncwJV4kcK3ArmfCU91Oj7DnYgI',
    );
  });
  it('is the same in whatever order its facts stand', () =>
    expect(
      chainHash('', { ...Object.fromEntries(Object.entries(facts).reverse()), ...facts }),
    ).toBe(chainHash('', facts)));
});

describe('a stream that is followed', () => {
  const stream = () => {
    const first = planted(empty, opening);
    const second = planted(first.tail, transfer);
    const third = planted(second.tail, { commandId: 'c3', events: [deposited(1)] });
    const [one, two, three] = [
      readCommit(first.item),
      readCommit(second.item),
      readCommit(third.item),
    ];
    return { first, second, third, one, two, three };
  };

  it('is where the writer left it, commit after commit', () => {
    const { first, second, third, one, two, three } = stream();
    expect(follow(empty, one)).toStrictEqual(first.tail);
    expect(follow(first.tail, two)).toStrictEqual(second.tail);
    expect(follow(second.tail, three)).toStrictEqual(third.tail);
  });
  it('is the same where it begins at a snapshot', () => {
    const { second, two } = stream();
    if (!hasSnapshot(two)) throw new Error('a small account has a snapshot in every commit');
    expect(tailAt(two)).toStrictEqual(second.tail);
  });
  it('is folded where a commit carries no snapshot, and counts what has to be read back', () => {
    const { first, second, two } = stream();
    const { snapshot: _, ...bare } = two;
    const since = { ...first.tail, bytesSinceSnapshot: 7 };
    expect(follow(since, bare)).toStrictEqual({
      ...second.tail,
      bytesSinceSnapshot: 7 + two.eventBytes,
    });
  });
  it('is refused where a commit is missing', () => {
    const { first, three } = stream();
    expect(() => follow(first.tail, three)).toThrow('stream a1: version 5 does not follow 1');
  });
  it('is refused where a commit comes again', () => {
    const { second, two } = stream();
    expect(() => follow(second.tail, two)).toThrow('stream a1: version 2 does not follow 4');
  });
  it('is refused where it does not begin at the beginning', () => {
    const { two } = stream();
    expect(() => follow(empty, two)).toThrow('stream a1: version 2 does not follow 0');
  });
});
