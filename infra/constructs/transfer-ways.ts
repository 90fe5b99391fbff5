import type { StageSettings, StreamConsumer, Transfers } from '../stages.ts';
import { type FunctionName, functionNames } from './catalogue.ts';

/** The function that the events table's stream hands reservations to, in each setting. */
const takers = {
  adaptive: 'carry-out-transfers',
  stream: 'carry-out-transfers',
  workflow: 'start-transfers',
} as const satisfies Record<Transfers, StreamConsumer>;

/** The function that the events table's stream hands reservations to. */
export const takerOfReservations = (transfers: Transfers) => takers[transfers];

/** The functions of a stage, in the catalogue's order: all but those of other settings. */
export const functionsOf = ({
  transfers,
}: Pick<StageSettings, 'transfers'>): readonly FunctionName[] => {
  const elsewhere = new Set<FunctionName>(Object.values(takers));
  elsewhere.delete(takerOfReservations(transfers));
  return functionNames.filter((name) => !elsewhere.has(name));
};
