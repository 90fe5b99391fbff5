import type { CommandResult } from '../../functions/store/deciding/command-result.ts';
import { fingerprint } from '../../functions/store/writing/command-record.ts';
import { isAtOnce, type PlacedEvent, type Remains } from '../remains.ts';
import { STRANGER } from '../traffic/clients.ts';
import type { Call, Journal } from '../traffic/journal.ts';
import type { Report } from '../violation.ts';
import { withoutOtherWords } from '../weather/other-deployment.ts';
import { isSame } from './streams.ts';

type Of<Outcome extends CommandResult['outcome']> = Extract<CommandResult, { outcome: Outcome }>;

/**
 * Every answer is true: an accepted command's events are there, any other command changed nothing,
 * and a repeat hears the same.
 */
export const checkAnswers = (journal: Journal, remains: Remains, report: Report): void => {
  const byCall = Map.groupBy(remains.events, ({ origin }) => origin.correlationId);
  const byPlace = new Map(
    remains.events.map((event) => [`${event.accountId}/${event.version}`, event]),
  );
  const owners = new Map(
    remains.events.flatMap((event) =>
      event.type === 'AccountOpened' ? [[event.accountId, event.data.owner] as const] : [],
    ),
  );
  for (const call of journal.calls) {
    const { result } = call;
    if (!result) continue;
    const { command, onlyFor } = call.request;
    const written = ownEvents(byCall.get(call.request.correlationId) ?? []);
    const broken = (rule: string, more: object = {}) =>
      report(rule, {
        ...about(call),
        wrote: written.map(({ accountId, version }) => `${accountId}/${version}`),
        ...more,
      });
    const decides = !['not_theirs', 'undecided'].includes(result.outcome);
    if (onlyFor !== undefined && owners.get(command.accountId) !== onlyFor && decides)
      broken('nothing is decided for a stranger, and nothing is told');
    switch (result.outcome) {
      case 'not_theirs':
        if (written.length > 0) broken('what is not the sender’s is not changed');
        if (onlyFor === undefined || owners.get(command.accountId) === onlyFor)
          broken('an owner is not taken for a stranger');
        break;
      case 'accepted':
        checkAccepted(
          call,
          result,
          byPlace.get(`${call.request.command.accountId}/${result.version}`),
          broken,
        );
        break;
      case 'rejected':
        if (written.length > 0) broken('what was rejected changed nothing');
        break;
      case 'version_mismatch':
        if (written.length > 0) broken('a mismatch changed nothing');
        if (call.request.expectedVersions === undefined)
          broken('a mismatch is of a version that was asked for');
        if (result.currentVersion < call.floor)
          broken('a mismatch tells a version that was current');
        if (call.request.expectedVersions?.some((version) => version === result.currentVersion))
          broken('a mismatch is one');
        break;
      case 'key_reused':
        if (written.length > 0) broken('a command whose key is another’s changed nothing');
        if (!hasAnothersKey(call, remains))
          broken('a key is another command’s only where it has that key');
        break;
      case 'pending': {
        const record = remains.records.get(result.key);
        const { expectedVersions } = call.request;
        if (expectedVersions === undefined || record?.outcome !== 'accepted') break;
        if (record.version !== Number(expectedVersions[0]) + 1)
          broken('what is accepted at a version follows that version');
        break;
      }
      case 'in_progress':
        break;
      case 'undecided':
        if (result.reason === 'commit_too_large' || result.reason === 'record_unreadable')
          broken('nothing here is too large or unreadable');
        if (result.reason !== 'unknown' && written.length > 0) {
          const records = (call.request.keys ?? []).map((key) => remains.records.get(key));
          broken('what is not known to be unknown was not written', { records });
        }
        break;
    }
  }
  checkKeys(journal, remains, report);
  checkStrangers(journal, remains, report);
  checkCauses(journal, remains, report);
};

/**
 * A transfer's later steps carry its correlation id too: they are not the client's. Of one that was
 * carried out at once the withdrawal is.
 */
const ownEvents = (events: readonly PlacedEvent[]): readonly PlacedEvent[] =>
  events.filter((event) => {
    const { type, data } = event;
    if (type === 'MoneyWithdrawn' && isAtOnce(event)) return true;
    if (type === 'ReservationCancelled' && data.reason === 'voided') return true;
    return (
      type !== 'ReservationCancelled' &&
      !((type === 'MoneyDeposited' || type === 'MoneyWithdrawn') && data.transferId !== undefined)
    );
  });

const about = ({ intent, environment, request, result, sentAt, heardAt }: Call) => ({
  command: intent.command,
  keys: request.keys,
  expectedVersions: request.expectedVersions,
  environment,
  result,
  sentAt,
  heardAt,
});

const checkAccepted = (
  call: Call,
  { version, at, replayed }: Of<'accepted'>,
  event: PlacedEvent | undefined,
  broken: (rule: string, more?: object) => void,
): void => {
  const { intent, request } = call;
  if (!event || event.at !== at || !isOf(event, call)) {
    broken('what was accepted is there', { there: event });
    return;
  }
  if (!replayed && event.origin.correlationId !== request.correlationId) {
    broken('what is new was written by this call', { there: event });
  }
  const { expectedVersions } = request;
  if (!replayed && expectedVersions !== undefined && version !== Number(expectedVersions[0]) + 1) {
    broken('what is accepted at a version follows that version');
  }
  if (intent.key === undefined && replayed) broken('a command without a key is no repeat');
};

/** Whether an event follows from the call's command. */
const isOf = (event: PlacedEvent, { request: { command } }: Call): boolean => {
  const { accountId, type, data } = event;
  if (command.type === 'post') return 'postingId' in data && data.postingId === command.postingId;
  if (accountId !== command.accountId) return false;
  switch (command.type) {
    case 'hold':
      return (
        type === 'MoneyHeld' &&
        data.transferId === command.transferId &&
        data.reference === command.reference
      );
    case 'capture':
      return type === 'HoldCaptured' && data.transferId === command.transferId;
    case 'void':
      return (
        type === 'ReservationCancelled' &&
        data.transferId === command.transferId &&
        data.reason === 'voided'
      );
    case 'open':
      return type === 'AccountOpened' && data.owner === command.owner;
    case 'deposit':
      return (
        type === 'MoneyDeposited' &&
        data.reference === command.reference &&
        data.amount === command.amount
      );
    case 'withdraw':
      return (
        type === 'MoneyWithdrawn' &&
        data.reference === command.reference &&
        data.amount === command.amount
      );
    case 'reserve':
      return (
        (type === 'MoneyReserved' || (type === 'MoneyWithdrawn' && isAtOnce(event))) &&
        data.transferId === command.transferId &&
        data.reference === command.reference
      );
    default:
      return false;
  }
};

const hasAnothersKey = (
  { request: { keys = [], command } }: Call,
  { records }: Remains,
): boolean => {
  const own = fingerprint(command);
  return keys.some((key) => {
    const record = records.get(key);
    return record !== undefined && record.outcome !== 'unreadable' && record.fingerprint !== own;
  });
};

const isDecided = (result: CommandResult | undefined): result is Of<'accepted'> | Of<'rejected'> =>
  result?.outcome === 'accepted' || result?.outcome === 'rejected';

/**
 * A result without the parts that may differ: whether it was a repeat, and what other deployments
 * add.
 */
const told = (result: CommandResult): object => {
  if (result.outcome === 'rejected')
    return { outcome: result.outcome, rejection: result.rejection };
  if (result.outcome !== 'accepted') return result;
  const { outcome, version, at, answer } = result;
  return { outcome, version, at, answer: answer && withoutOtherWords(answer) };
};

/** What strangers alone have sent is recorded nowhere. */
const checkStrangers = (journal: Journal, { records }: Remains, report: Report): void => {
  const byCommand = Map.groupBy(journal.calls, ({ request }) => fingerprint(request.command));
  const known = new Set([...records.values()].map((record) => Object(record).fingerprint));
  for (const [command, calls] of byCommand) {
    if (calls.every(({ request }) => request.onlyFor === STRANGER) && known.has(command))
      report('what a stranger sends claims no key', { first: calls[0] && about(calls[0]) });
  }
};

/** One key, one outcome, for ever. */
const checkKeys = (journal: Journal, { records }: Remains, report: Report): void => {
  const byIntent = Map.groupBy(
    journal.calls.filter(({ intent }) => intent.key !== undefined),
    ({ intent }) => intent,
  );
  for (const calls of byIntent.values()) {
    const [first] = calls
      .filter(({ result }) => isDecided(result))
      .sort((a, b) => heard(a) - heard(b));
    if (!first?.result) continue;
    for (const call of calls) {
      const { result } = call;
      if (!result) continue;
      if (isDecided(result) && !isSame(told(result), told(first.result))) {
        report('a command has one outcome', { first: about(first), second: about(call) });
      }
      if (call.sentAt <= heard(first)) continue;
      if (result.outcome === 'version_mismatch' || result.outcome === 'pending') {
        report('a repeat hears what was decided', { first: about(first), second: about(call) });
      }
      if (isDecided(result) && !result.replayed) {
        report('a repeat is told that it is one', { first: about(first), second: about(call) });
      }
    }
  }
  for (const call of journal.calls) {
    const { result, request } = call;
    if (!result) continue;
    if (result.outcome === 'pending' && !isFinal(records.get(result.key))) {
      report('what was pending is decided', about(call));
    }
    if (!isDecided(result)) continue;
    for (const key of request.keys ?? []) {
      const record = records.get(key);
      const isIt =
        record !== undefined &&
        record.outcome === result.outcome &&
        record.fingerprint === fingerprint(request.command) &&
        (record.outcome !== 'accepted' ||
          result.outcome !== 'accepted' ||
          record.version === result.version);
      if (!isIt)
        report('every key of a decided command has its outcome', { ...about(call), key, record });
    }
  }
};

const heard = ({ heardAt }: Call): number => heardAt ?? Number.POSITIVE_INFINITY;

const isFinal = (record: { readonly outcome: string } | undefined): boolean =>
  record?.outcome === 'accepted' || record?.outcome === 'rejected';

/**
 * Nothing comes from nowhere: a client asked for every event that a client can cause, and a result
 * tells of the time when it was decided.
 */
const checkCauses = (journal: Journal, { events }: Remains, report: Report): void => {
  const calls = new Map(journal.calls.map((call) => [call.request.correlationId, call]));
  for (const event of ownEvents(events)) {
    if (event.origin.correlationId === PREPARED) continue;
    const call = calls.get(event.origin.correlationId);
    if (!call || !isOf(event, call)) report('nothing happens that nobody asked for', { event });
  }
};

/** The correlation id of all that happened before the storm. */
export const PREPARED = 'prepared';
