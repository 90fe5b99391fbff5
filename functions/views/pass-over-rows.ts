import type { Telemetry } from '../runtime/telemetry.ts';
import type { PassOver } from './row.ts';

/**
 * Logs and counts rows that cannot be read. The remedy is to make the views again from the
 * streams: `npm run rebuild`, which replaces what cannot be read.
 */
export const passOverRows =
  ({ logger, count }: Telemetry): PassOver =>
  (row) => {
    const { pk, sk } = row;
    logger.error('a row of the views cannot be read and is passed over', { pk, sk, error: row });
    count('UnreadableRows', 1);
  };
