import { randomUUID } from 'node:crypto';
import { Caller } from '../../events/values.ts';
import type { CommandResult } from '../../functions/store/deciding/command-result.ts';
import { fingerprint } from '../../functions/store/writing/command-record.ts';
import type { Environment } from '../environments.ts';
import type { Remains } from '../remains.ts';
import type { Journal } from '../traffic/journal.ts';
import type { Report } from '../violation.ts';

/**
 * Repeats every command under each of its keys, and checks that it hears the record. That also
 * decides pending copies.
 */
export const repeatAll = async (
  journal: Journal,
  { records }: Remains,
  observer: Environment,
  report: Report,
): Promise<void> => {
  const owners = new Map<string, Parameters<Environment['store']['execute']>[0]['command']>();
  for (const { command } of journal.calls.map(({ request }) => request))
    owners.set(fingerprint(command), command);
  const intents = new Map(journal.calls.map(({ intent }) => [fingerprint(intent.command), intent]));
  for (const [key, record] of records) {
    if (record.outcome === 'unreadable') {
      report('every record can be read', { key });
      continue;
    }
    const command = owners.get(record.fingerprint);
    const intent = intents.get(record.fingerprint);
    if (!command || !intent) continue;
    const result = await observer.store.execute({
      command,
      keys: [key],
      actor: Caller.parse('alice'),
      correlationId: randomUUID(),
    });
    if (!isTheRecord(result, record))
      report('a repeat in fair weather hears what is recorded', { key, record, result });
  }
};

const isTheRecord = (
  result: CommandResult,
  record: { readonly outcome: string; readonly version?: number },
): boolean => {
  if (result.outcome !== 'accepted' && result.outcome !== 'rejected') return false;
  if (!result.replayed) return false;
  if (record.outcome === 'pending') return true;
  if (result.outcome === 'accepted')
    return record.outcome === 'accepted' && record.version === result.version;
  return record.outcome === 'rejected';
};
