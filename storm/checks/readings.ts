import type { AccountId } from '../../events/values.ts';
import type { Remains } from '../remains.ts';
import type { Journal, Reading } from '../traffic/journal.ts';
import type { Report } from '../violation.ts';
import type { History } from './decisions.ts';
import { isSame } from './streams.ts';

/** All that clients read during the storm is part of what remains after it. */
export const checkReadings = (
  journal: Journal,
  remains: Remains,
  histories: ReadonlyMap<AccountId, History>,
  report: Report,
): void => {
  const hashes = new Map(
    [...remains.streams.values()]
      .flat()
      .map(({ streamId, version, count, hash }) => [`${streamId}/${version + count - 1}`, hash]),
  );
  const check = (reading: Reading): void => {
    switch (reading.kind) {
      case 'tail': {
        const { tail, floor } = reading;
        const place = `${tail.streamId}/${tail.version}`;
        if (tail.version < floor)
          report('a read shows what somebody has heard of', { place, floor });
        if (tail.version > 0 && hashes.get(place) !== tail.hash)
          report('what was read stays', { place });
        if (!isSame(tail.account, histories.get(tail.streamId)?.[tail.version])) {
          report('what was read is the fold of the events', { place, read: tail.account });
        }
        return;
      }
      case 'asOf': {
        const { tail, moment } = reading;
        const commits = remains.streams.get(tail.streamId) ?? [];
        const version =
          'version' in moment
            ? moment.version
            : (commits.filter(({ at }) => at <= moment.at).at(-1) ?? { version: 0, count: 1 });
        const expected =
          typeof version === 'number' ? version : version.version + version.count - 1;
        if (tail.version !== expected)
          report('an old moment stays as it was', { moment, read: tail.version, expected });
        if (!isSame(tail.account, histories.get(tail.streamId)?.[tail.version])) {
          report('an old moment is the fold of the events before it', {
            account: tail.streamId,
            moment,
          });
        }
        return;
      }
      case 'history':
        for (const { streamId, version, count, hash } of reading.commits) {
          const place = `${streamId}/${version + count - 1}`;
          if (hashes.get(place) !== hash) report('a commit that was read stays', { place });
        }
        return;
      case 'record':
        checkRecord(reading, remains, report);
        return;
    }
  };
  for (const reading of journal.readings) check(reading);
  checkRecordsInOrder(journal, report);
};

type RecordReading = Extract<Reading, { kind: 'record' }>;

const checkRecord = (
  { key, record }: RecordReading,
  { records }: Remains,
  report: Report,
): void => {
  if (!record || record.outcome === 'unreadable') return;
  const last = records.get(key);
  if (!last || last.outcome === 'unreadable') {
    report('a record never vanishes', { key, record, last });
    return;
  }
  if (record.fingerprint !== last.fingerprint)
    report('a key stays its command’s', { key, record, last });
  const isOver = record.outcome === 'accepted' || record.outcome === 'rejected';
  if (isOver && !isSame(withoutAnswer(record), withoutAnswer(last))) {
    report('a decided record never changes', { key, record, last });
  }
};

/** The answer may have another deployment's words, which are checked where answers are. */
const withoutAnswer = (record: object): object => ({ ...record, answer: undefined });

/** A client that reads a record after somebody heard the outcome finds it. */
const checkRecordsInOrder = (journal: Journal, report: Report): void => {
  const decided = new Map<string, number>();
  for (const { request, result, heardAt } of journal.calls) {
    if (heardAt === undefined || (result?.outcome !== 'accepted' && result?.outcome !== 'rejected'))
      continue;
    for (const key of request.keys ?? [])
      decided.set(key, Math.min(heardAt, decided.get(key) ?? heardAt));
  }
  for (const reading of journal.readings) {
    if (reading.kind !== 'record') continue;
    const since = decided.get(reading.key);
    if (since === undefined || since >= reading.sentAt) continue;
    const outcome = reading.record?.outcome;
    if (outcome !== 'accepted' && outcome !== 'rejected') {
      report('a record shows what was told of it', {
        key: reading.key,
        outcome: outcome ?? 'none',
      });
    }
  }
};
