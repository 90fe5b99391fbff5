import type { Client, CommandStatus, Transfer } from './client.ts';

/** The first pause between two looks; it doubles. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Waits until a transfer has ended.
 * @param signal when to give up, e.g. `AbortSignal.timeout(60_000)`. The transfer goes on.
 * @returns the transfer, `settled` or `released`.
 * @throws {Error} where there is no such transfer, or the API cannot be asked; the signal's reason.
 */
export const transferEnd = async (
  client: Client,
  transferId: string,
  signal: AbortSignal,
): Promise<Transfer> =>
  poll(signal, async () => {
    const { data, error } = await client.GET('/transfers/{transferId}', {
      params: { path: { transferId } },
      signal,
    });
    if (!data) throw new Error(`transfer ${transferId}: ${JSON.stringify(error)}`);
    return data.status === 'settled' || data.status === 'released' ? data : undefined;
  });

/**
 * Waits until a command is decided that was answered 202 `pending`.
 * @param pending the body of that answer.
 * @param signal when to give up. The command is decided all the same.
 * @returns the command: `accepted`, `rejected` or `given_up`.
 * @throws {Error} where the API cannot be asked; the signal's reason.
 */
export const commandEnd = async (
  client: Client,
  { accountId, commandId }: Pick<CommandStatus, 'accountId' | 'commandId'>,
  signal: AbortSignal,
): Promise<CommandStatus> =>
  poll(signal, async () => {
    const { data, error } = await client.GET('/accounts/{accountId}/commands/{commandId}', {
      params: { path: { accountId, commandId } },
      signal,
    });
    if (!data) throw new Error(`command ${commandId} of ${accountId}: ${JSON.stringify(error)}`);
    return data.status === 'pending' ? undefined : data;
  });

const poll = async <T>(signal: AbortSignal, look: () => Promise<T | undefined>): Promise<T> => {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, 2 * pause)) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, pause));
    signal.throwIfAborted();
  }
};
