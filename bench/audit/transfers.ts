import type { CommandRecord } from '../../functions/store/writing/command-record.ts';
import { UNFINISHED, UNKNOWN } from '../load/drive.ts';
import { hold } from './rule.ts';
import type { SoundStream } from './streams.ts';

/** How far a transfer has got: the steps that are in the streams. */
interface Steps {
  reserved?: string;
  credited?: string;
  settled?: string;
  released?: string;
  /** The source, where it was carried out in one transaction, without a reservation. */
  atOnce?: string;
  /** Of the first step that was found. */
  amount: number;
}

/**
 * No transfer has a step twice, or one without the one before it, or with another amount; its
 * reservation and its credit are recorded; and what its caller heard is true.
 * @returns by transfer id, how far each has got.
 * @throws {AuditFailure} naming the first transfer that breaks a rule.
 */
export const holdTransfers = (
  streams: readonly SoundStream[],
  records: readonly CommandRecord[],
  heard: ReadonlyMap<string, string>,
): ReadonlyMap<string, Steps> => {
  const transfers = stepsIn(streams);
  const accepted = new Set(
    records.flatMap(({ accountId, key, outcome }) =>
      outcome === 'accepted' ? [`${accountId}/${key}`] : [],
    ),
  );
  for (const [id, { reserved, credited, settled, released, atOnce }] of transfers) {
    if (atOnce !== undefined) {
      hold(credited !== undefined && settled === atOnce, `transfer ${id} has one side only`);
      hold(!reserved && !released, `transfer ${id} was carried out at once, and reserved as well`);
      hold(accepted.has(`${atOnce}/command:${id}`), `the transfer ${id} is not recorded`);
      continue;
    }
    hold(reserved !== undefined, `transfer ${id} was credited or ended, and never reserved`);
    hold(!settled || credited !== undefined, `transfer ${id} was settled, and never credited`);
    hold(!released || credited === undefined, `transfer ${id} was credited, and released`);
    hold(accepted.has(`${reserved}/command:${id}`), `the reservation of ${id} is not recorded`);
    hold(
      !credited || accepted.has(`${credited}/credit:${id}`),
      `the credit of ${id} is not recorded`,
    );
  }
  for (const [id, outcome] of heard) {
    const settled = transfers.get(id)?.settled !== undefined;
    if (outcome === 'settled')
      hold(settled, `the caller heard that ${id} had settled, and it has not`);
    else if (!MAY_BE_EITHER.has(outcome))
      hold(!transfers.has(id), `the caller heard "${outcome}" of ${id}, and it began`);
  }
  return transfers;
};

/** What a caller may hear of a transfer that goes on or not. */
const MAY_BE_EITHER = new Set([UNFINISHED, UNKNOWN]);

const stepsIn = (streams: readonly SoundStream[]): ReadonlyMap<string, Steps> => {
  const transfers = new Map<string, Steps>();
  const note = (
    id: string,
    step: Exclude<keyof Steps, 'amount'>,
    streamId: string,
    amount: number,
  ) => {
    const steps = transfers.get(id) ?? { amount };
    hold(
      steps[step] === undefined,
      `transfer ${id} was ${step} twice, at ${steps[step]} and ${streamId}`,
    );
    hold(steps.amount === amount, `transfer ${id} is of ${steps.amount} and of ${amount}`);
    transfers.set(id, { ...steps, [step]: streamId });
  };
  for (const { streamId, events } of streams) {
    for (const { type, data } of events) {
      if (type === 'MoneyReserved') note(data.transferId, 'reserved', streamId, data.amount);
      if (type === 'MoneyDeposited' && data.transferId)
        note(data.transferId, 'credited', streamId, data.amount);
      if (type === 'MoneyWithdrawn' && data.transferId) {
        note(data.transferId, 'settled', streamId, data.amount);
        if (data.counterpartyVersion !== undefined)
          note(data.transferId, 'atOnce', streamId, data.amount);
      }
      if (type === 'ReservationCancelled' && data.reason !== undefined)
        note(data.transferId, 'released', streamId, data.amount);
    }
  }
  return transfers;
};
