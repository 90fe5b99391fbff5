import { beforeEach, describe, expect, it } from 'vitest';
import {
  createProjectedLedger,
  credit,
  deposit,
  open,
  type ProjectedLedger,
  reserve,
  settle,
} from './projected-ledger.ts';

let projected: ProjectedLedger;
let before: Record<string, unknown>[];

const rows = async () =>
  (await projected.items()).toSorted((a, b) =>
    `${a['pk']} ${a['sk']}` < `${b['pk']} ${b['sk']}` ? -1 : 1,
  );
const keyOf = ({ pk, sk }: Record<string, unknown>) => ({ pk: String(pk), sk: String(sk) });
const pointersUnder = (accountId: string) =>
  before.filter(({ pk, sk }) => pk === `account#${accountId}` && sk !== 'account').map(keyOf);
const all = async (input: object, rebuild = projected.rebuild) => {
  const answers: Awaited<ReturnType<ProjectedLedger['rebuild']>>[] = [];
  for (let next: object | undefined = input; next; next = answers.at(-1)?.next)
    answers.push(await rebuild(next));
  return answers;
};
const differences = async () => {
  const inputs = ['rows', 'streams'].map((phase) => ({
    ...{ phase, segment: 0, segments: 1, diff: true },
  }));
  const answers = [...(await all(inputs[0] ?? {})), ...(await all(inputs[1] ?? {}))];
  return answers.flatMap(({ examples }) => examples);
};

/** From a to b: t1 is settled, t2 went the short way, t3 is reserved, t4 credited. */
beforeEach(async () => {
  projected = await createProjectedLedger();
  const { ledger } = projected;
  for (const accountId of ['a', 'b']) ledger.commit(open(accountId), deposit(accountId, 10_000));
  ledger.commit(reserve('a', 'b', 't1'));
  ledger.commit(credit('b', 'a', 't1'));
  ledger.commit(settle('a', 't1'));
  ledger.transferAtOnce('t2', 'a', 'b', 7);
  ledger.commit(reserve('a', 'b', 't3'), reserve('a', 'b', 't4'));
  ledger.commit(credit('b', 'a', 't4'));
  await projected.plant(ledger.committed);
  await projected.project(ledger.committed);
  before = await rows();
});

describe('making the views of one account again', () => {
  it.each(['a', 'b'])('mends the unreadable pointers under %s', async (accountId) => {
    const pointers = pointersUnder(accountId);
    expect(pointers).toHaveLength(4);
    for (const key of pointers) await projected.spoil(key, { version: 0 });
    await all({ accounts: [accountId] });
    expect(await rows()).toEqual(before);
  });

  it.each([
    ['unreadable', 'reserved', { accountId: 'a', version: 'x' }],
    ['missing', 'reserved', undefined],
    ['unreadable', 'credited', { accountId: 'b', version: 'x' }],
    ['missing', 'credited', undefined],
  ])('mends the rows of transfers with a step that is %s: %s', async (_, name, value) => {
    for (const accountId of ['a', 'b']) {
      for (const id of ['t1', 't2', 't3', 't4'])
        await projected.spoil({ pk: `transfer#${id}`, sk: 'from#a' }, { [name]: value });
      await all({ accounts: [accountId] });
      // A step that there never was is none afterwards either.
      expect([accountId, await rows()]).toEqual([accountId, before]);
    }
  });

  it.each(['a', 'b'])(
    'makes what is missing of what the stream of %s has credits of',
    async (id) => {
      for (const row of before) await projected.remove(keyOf(row));
      await all({ accounts: [id] });
      const left = await differences();
      expect(left.filter((line) => /t1|t2|t4/.test(line))).toEqual([]);
    },
  );

  it('says what is missing, and writes nothing, where it only compares', async () => {
    for (const key of pointersUnder('b')) await projected.remove(key);
    const spoiled = await rows();
    const said = (await all({ accounts: ['b'], diff: true })).flatMap(({ examples }) => examples);
    for (const id of ['t1', 't2', 't4'])
      expect(said).toContainEqual(expect.stringMatching(`^missing: account#b .*#${id}#a$`));
    expect(await rows()).toEqual(spoiled);
  });

  it('goes on in the middle of another account, and ends', async () => {
    const { ledger } = projected;
    const { length } = ledger.committed;
    for (let n = 0; n < 450; n += 1) ledger.commit(deposit('a', 1));
    ledger.commit(settle('a', 't4'));
    await projected.plant(ledger.committed.slice(length));
    for (const key of pointersUnder('b')) await projected.spoil(key, { version: 0 });
    await projected.remove({ pk: 'transfer#t4', sk: 'from#a' });
    const answers = await all({ accounts: ['b'] }, projected.rebuilding({ budget: -1 }));
    expect(answers.map(({ next }) => next)).toContainEqual(
      expect.objectContaining({ other: { accountId: 'a', version: expect.any(Number) } }),
    );
    expect(answers.length).toBeLessThan(12);
    expect(await differences()).toEqual([]);
  });

  it('names an account that there is not', async () => {
    const [answer] = await all({ accounts: ['nobody'] });
    expect(answer).toMatchObject({ unknown: 1, commits: 0 });
    expect(answer?.examples).toEqual(['unknown: there is no account nobody']);
  });

  it('passes over a commit that cannot be read, counts it once, and does the rest', async () => {
    const spoiled = projected.ledger.committed[2];
    await projected.spoilCommit(spoiled, { events: [{ type: 'MoneyBurnt', v: 1, data: {} }] });
    await projected.remove({ pk: 'transfer#t4', sk: 'from#a' });
    const [answer] = await all({ accounts: ['a'] });
    expect(answer).toMatchObject({ unreadable: 1 });
    expect(await rows()).toEqual(before);
  });

  it('fails where a row could not be written, and takes no commit for unreadable', async () => {
    const { ledger } = projected;
    const { length } = ledger.committed;
    for (let n = 0; n < 250; n += 1) ledger.commit(deposit('a', 1));
    await projected.plant(ledger.committed.slice(length));
    await projected.remove({ pk: 'transfer#t3', sk: 'from#a' });
    const rebuild = projected.rebuilding({
      writer: { write: async () => new Map([['transfer#t3 from#a', new Error('not taken')]]) },
    });
    await expect(rebuild({ accounts: ['a'] })).rejects.toThrow('not taken');
  });

  it('of a busy account goes through its rows in parts', async () => {
    const { ledger } = projected;
    const { length } = ledger.committed;
    for (let n = 0; n < 450; n += 1) ledger.commit(reserve('a', 'b', `more${n}`, 1));
    await projected.plant(ledger.committed.slice(length));
    await projected.project(ledger.committed.slice(length));
    const answers = await all({ accounts: ['a'] }, projected.rebuilding({ budget: -1 }));
    const places = answers.map(({ next }) => (next && 'after' in next ? 'rows' : 'streams'));
    expect(places.slice(0, 2)).toEqual(['rows', 'rows']);
    expect(Math.max(...answers.map((answer) => answer.rows))).toBeLessThanOrEqual(600);
    expect(await differences()).toEqual([]);
  }, 60_000);
});
