import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandLine } from '../../../rebuild/command-line.ts';
import type { Invoke, Rebuilt } from '../../../rebuild/invoke.ts';
import { run } from '../../../rebuild/run.ts';
import { stateFile } from '../../../rebuild/state.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-rebuild-'));
});

afterEach(() => rm(directory, { recursive: true }));

const statePath = () => join(directory, 'deep', 'rebuild.json');

const nothing = {
  commits: 0,
  rows: 0,
  missing: 0,
  different: 0,
  extra: 0,
  unreadable: 0,
  unknown: 0,
};
const rebuilt = (more: Partial<Rebuilt> = {}): Rebuilt => ({ ...nothing, examples: [], ...more });

const watched = () => {
  const seen: string[] = [];
  return {
    seen,
    watch: {
      begin: (parts: number, ended: number, begunAt?: string) =>
        void seen.push(`${ended}/${parts}${begunAt ? ` since ${begunAt}` : ''}`),
      partEnded: () => void seen.push('ended'),
      counted: () => {},
    },
  };
};

const BEGUN = '2026-11-27T10:00:00.000Z';

const runWith = async (invoke: Invoke, more: Partial<CommandLine> = {}, minutesLater = 0) => {
  const { watch, seen } = watched();
  const command = {
    ...{ target: { stage: 'dev' }, accounts: undefined, diff: false, segments: 2 },
    ...{ state: statePath(), anew: false, ...more },
  };
  const outcome = await run(command, invoke, stateFile(command.state), watch, {
    sleep: async () => {},
    clock: () => Date.parse(BEGUN) + minutesLater * 60_000,
  });
  return { outcome, seen };
};

/** Answers each call, and keeps what it was asked. */
const answering = (answer: (input: Record<string, unknown>) => Rebuilt) => {
  const inputs: Record<string, unknown>[] = [];
  const invoke: Invoke = async (input) => {
    inputs.push({ ...input });
    return answer({ ...input });
  };
  return { invoke, inputs };
};

describe('a run', () => {
  it('looks at all rows before any stream, each in segments, and adds up what it found', async () => {
    const { invoke, inputs } = answering(() =>
      rebuilt({ rows: 3, missing: 1, examples: ['missing: a b'] }),
    );
    const { outcome, seen } = await runWith(invoke);
    expect(inputs).toEqual([
      { phase: 'rows', segment: 0, segments: 2 },
      { phase: 'rows', segment: 1, segments: 2 },
      { phase: 'streams', segment: 0, segments: 2 },
      { phase: 'streams', segment: 1, segments: 2 },
    ]);
    expect(outcome.tally).toEqual({ ...nothing, rows: 12, missing: 4 });
    expect(outcome.examples).toHaveLength(4);
    expect(seen).toEqual(['0/4', 'ended', 'ended', 'ended', 'ended']);
    expect(await readdir(join(directory, 'deep'))).toEqual([]);
  });

  it('goes on where a call stopped, of accounts too, and hands on that it only compares', async () => {
    const next = { accounts: ['b'], diff: true };
    const { invoke, inputs } = answering(({ accounts }) =>
      rebuilt(Array.isArray(accounts) && accounts.length > 1 ? { next } : {}),
    );
    await runWith(invoke, { accounts: ['a', 'b'], diff: true });
    expect(inputs).toEqual([{ accounts: ['a', 'b'], diff: true }, next]);
  });

  it('makes a call that failed again, and in the end gives up with its error', async () => {
    let failures = 0;
    const flaky: Invoke = async () => {
      failures += 1;
      if (failures < 5) throw new Error('lost');
      return rebuilt();
    };
    await runWith(flaky, { accounts: ['a'] });
    expect(failures).toBe(5);
    const broken: Invoke = () => Promise.reject(new Error('always'));
    await expect(runWith(broken, { accounts: ['a'] })).rejects.toThrow('always');
  });

  /** The first segment of the rows has got to k, the second has ended; then the function fails. */
  const interrupted = () => {
    const { invoke, inputs } = answering(({ segment, after }) => {
      if (after) throw new Error('stopped');
      if (segment === 1) return rebuilt({ rows: 5 });
      const next = { phase: 'rows', segment: 0, segments: 2, after: { pk: 'k', sk: 'k' } };
      return rebuilt({ rows: 7, next });
    });
    return { inputs, ended: expect(runWith(invoke)).rejects.toThrow('stopped') };
  };

  it('that was stopped goes on from there, and counts what was done before', async () => {
    await interrupted().ended;
    const { invoke, inputs } = answering(() => rebuilt({ rows: 1 }));
    const { outcome, seen } = await runWith(invoke);
    expect(inputs).toEqual([
      { phase: 'rows', segment: 0, segments: 2, after: { pk: 'k', sk: 'k' } },
      { phase: 'streams', segment: 0, segments: 2 },
      { phase: 'streams', segment: 1, segments: 2 },
    ]);
    expect(outcome.tally['rows']).toBe(15);
    expect(seen[0]).toBe(`1/4 since ${BEGUN}`);
  });

  it('goes on within the hour, and begins again after it: the ledger has become another', async () => {
    await interrupted().ended;
    const stopped: Invoke = () => Promise.reject(new Error('stopped'));
    const later = answering(({ after }) => {
      if (after) return rebuilt();
      throw new Error('stopped');
    });
    await expect(runWith(later.invoke, {}, 59)).rejects.toThrow('stopped');
    await expect(runWith(stopped, {}, 118)).rejects.toThrow('stopped');
    const { invoke, inputs } = answering(() => rebuilt());
    const { seen } = await runWith(invoke, {}, 120);
    expect(inputs).toHaveLength(4);
    expect(seen[0]).toBe('0/4');
  });

  it('keeps its state apart from that of every other command', async () => {
    await interrupted().ended;
    await runWith(answering(() => rebuilt()).invoke, { accounts: ['a'] });
    await expect(runWith(() => Promise.reject(new Error('lost')), { diff: true })).rejects.toThrow(
      'lost',
    );
    const { invoke, inputs } = answering(() => rebuilt());
    await runWith(invoke);
    expect(inputs).toHaveLength(3);
  });

  it('may be run beside others, of the same command and of other ones', async () => {
    const next = { accounts: ['a'] };
    const many = Array.from({ length: 20 }, (_, n) => {
      let calls = 0;
      const invoke: Invoke = async () => {
        calls += 1;
        return rebuilt(calls < 20 ? { next } : {});
      };
      return runWith(invoke, { accounts: [n % 2 ? 'a' : 'b'] });
    });
    expect(await Promise.all(many)).toHaveLength(20);
  });

  it.each([
    ['begins again where it is told to', { anew: true }],
    ['of something else begins at its own beginning', { diff: true }],
    ['of another place begins at its own beginning', { target: { stage: 'prod' } }],
  ])('%s', async (_, more) => {
    await interrupted().ended;
    const { invoke, inputs } = answering(() => rebuilt());
    await runWith(invoke, more);
    expect(inputs).toHaveLength(4);
    expect(inputs[0]).not.toHaveProperty('after');
  });

  it('begins again where its state cannot be read', async () => {
    await interrupted().ended;
    for (const name of await readdir(join(directory, 'deep')))
      await writeFile(join(directory, 'deep', name), '{"command":');
    const { invoke, inputs } = answering(() => rebuilt());
    await runWith(invoke);
    expect(inputs).toHaveLength(4);
  });
});
