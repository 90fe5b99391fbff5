import { UNFINISHED, UNKNOWN } from '../load/drive.ts';
import type { RecordOfCommand } from './commands.ts';
import { hold } from './rule.ts';
import type { SoundStream } from './streams.ts';

/** How far a transfer has got: the steps that are in the streams. */
interface Steps {
  /** The source, where it began as a hold. */
  held?: string;
  /** The source: by its reservation, or by the capture of its hold. */
  reserved?: string;
  credited?: string;
  settled?: string;
  released?: string;
  /** Of a transfer that takes another back: that one's id. */
  reverses?: string;
  /** The source, where it was carried out in one transaction, without a reservation. */
  atOnce?: string;
  /** What is reserved, credited and settled: of a hold, once it is captured. */
  amount?: number;
  /** What was held. */
  heldAmount?: number;
}

/**
 * No transfer has a step twice, or one without the one before it, or with another amount; its
 * reservation and its credit are recorded; and what its caller heard is true.
 * @returns by transfer id, how far each has got.
 * @throws {AuditFailure} naming the first transfer that breaks a rule.
 */
export const holdTransfers = (
  streams: readonly SoundStream[],
  records: readonly RecordOfCommand[],
  heard: ReadonlyMap<string, string>,
): ReadonlyMap<string, Steps> => {
  const transfers = stepsIn(streams);
  const accepted = new Set(
    records.flatMap(({ accountId, key, outcome }) =>
      outcome === 'accepted' ? [`${accountId}/${key}`] : [],
    ),
  );
  for (const [id, { held, reserved, credited, settled, released, atOnce }] of transfers) {
    if (atOnce !== undefined) {
      hold(credited !== undefined && settled === atOnce, `transfer ${id} has one side only`);
      hold(
        !held && !reserved && !released,
        `transfer ${id} was carried out at once, and reserved as well`,
      );
      hold(accepted.has(`${atOnce}/command:${id}`), `the transfer ${id} is not recorded`);
      continue;
    }
    if (held !== undefined) {
      hold(accepted.has(`${held}/command:${id}`), `the hold of ${id} is not recorded`);
      // It rests, or was given back.
      if (!reserved && !credited && !settled) continue;
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
  holdReversals(transfers);
  for (const [id, outcome] of heard) {
    const settled = transfers.get(id)?.settled !== undefined;
    if (outcome === 'settled')
      hold(settled, `the caller heard that ${id} had settled, and it has not`);
    else if (!MAY_BE_EITHER.has(outcome))
      hold(!transfers.has(id), `the caller heard "${outcome}" of ${id}, and it began`);
  }
  return transfers;
};

/** What takes a transfer back, as far as it was not released, is never more than the transfer. */
const holdReversals = (transfers: ReadonlyMap<string, Steps>): void => {
  const takenBack = new Map<string, number>();
  for (const { reverses, released, amount = 0 } of transfers.values())
    if (reverses !== undefined && !released)
      takenBack.set(reverses, (takenBack.get(reverses) ?? 0) + amount);
  for (const [id, sum] of takenBack) {
    const original = transfers.get(id);
    // It may have come before what is audited.
    if (!original) continue;
    hold(original.credited !== undefined, `transfer ${id} was taken back, and never credited`);
    hold(
      sum <= (original.amount ?? 0),
      `transfer ${id} is of ${original.amount}; ${sum} went back`,
    );
  }
};

/** What a caller may hear of a transfer that goes on or not. */
const MAY_BE_EITHER = new Set([UNFINISHED, UNKNOWN]);

const stepsIn = (streams: readonly SoundStream[]): ReadonlyMap<string, Steps> => {
  const transfers = new Map<string, Steps>();
  const note = (
    id: string,
    step: 'held' | 'reserved' | 'credited' | 'settled' | 'released' | 'atOnce',
    streamId: string,
    amount: number,
    more: Pick<Steps, 'reverses' | 'heldAmount'> = {},
  ) => {
    const before = transfers.get(id);
    hold(
      before?.[step] === undefined,
      `transfer ${id} was ${step} twice, at ${before?.[step]} and ${streamId}`,
    );
    const steps: Steps = { ...before, ...more, [step]: streamId };
    if (step === 'held') steps.heldAmount = amount;
    else {
      steps.amount ??= amount;
      hold(steps.amount === amount, `transfer ${id} is of ${steps.amount} and of ${amount}`);
    }
    transfers.set(id, steps);
  };
  for (const { streamId, events } of streams) {
    for (const { type, data } of events) {
      if (type === 'MoneyReserved') {
        const { transferId, amount, reverses } = data;
        note(transferId, 'reserved', streamId, amount, reverses === undefined ? {} : { reverses });
      }
      if (type === 'MoneyHeld') note(data.transferId, 'held', streamId, data.amount);
      if (type === 'HoldCaptured') {
        const { transferId, amount, heldAmount } = data;
        const before = transfers.get(transferId);
        hold(
          before?.held === streamId && before.heldAmount === heldAmount && amount <= heldAmount,
          `transfer ${transferId} was captured, and not held so`,
        );
        note(transferId, 'reserved', streamId, amount);
      }
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
