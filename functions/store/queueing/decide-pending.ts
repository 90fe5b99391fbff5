import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import type { AccountId } from '../../../events/values.ts';
import { failureOf } from '../../runtime/failure.ts';
import { type Patience, untilAnswered } from '../../runtime/patience.ts';
import { StoreUnavailable } from '../../runtime/unavailable.ts';
import type { PendingCommand } from '../deciding/command-record.ts';
import { decideTogether, type TogetherDependencies } from '../deciding/decide-together.ts';
import type { Asked } from '../deciding/plan.ts';
import { stillPending, type WriteTables } from '../writing/write.ts';

/**
 * Decides commands that wait for one account, in order, on one state. Each is decided on the condition that it still waits, so
 * whoever else decides some of them at the same time (a repeat, a second delivery) does no harm: only one does.
 *
 * A command whose commit would be too large even alone is given its key back: it is as if it had never been sent.
 * @param dependencies the tables, and all that varies.
 * @param pending commands of that account, in the order in which they were sent. Those that are decided already are left alone.
 * @param deadline in milliseconds since 1970.
 * @throws {StoreUnavailable} where the time is up: what was not decided still waits.
 */
export const decidePending = async (
  dependencies: TogetherDependencies,
  accountId: AccountId,
  pending: readonly PendingCommand[],
  deadline: number,
): Promise<void> => {
  const commands = [...new Map(pending.map((command) => [command.commandId, command])).values()];
  const waiting = new Map(commands.map((command) => [asked(command), command]));
  const fates = await decideTogether(dependencies, accountId, [...waiting.keys()], { waiting: true, deadline });
  for (const [command, fate] of fates) {
    const record = waiting.get(command);
    if (fate.kind === 'too_large' && record) await giveBack(dependencies, deadline, record);
  }
  for (const fate of fates.values()) {
    if (fate.kind !== 'undecided') continue;
    throw new StoreUnavailable(fate.reason === 'throttled' ? 'throttled' : 'unavailable', fate);
  }
};

const asked = ({ streamId, commandId, request, command, actor, correlationId }: PendingCommand): Asked => ({
  command,
  request,
  keys: [{ streamId, commandId }],
  origin: { commandId, actor, correlationId },
});

const giveBack = (
  dependencies: WriteTables & Patience,
  deadline: number,
  { streamId, commandId, request }: PendingCommand,
): Promise<void> =>
  untilAnswered(dependencies, deadline, async () => {
    try {
      await dependencies.client.send(
        new DeleteCommand({
          TableName: dependencies.commandsTable,
          Key: { streamId, commandId },
          ...stillPending({ request }),
        }),
      );
    } catch (error) {
      // It no longer waits: somebody decided it, or gave it back before.
      if (failureOf(error).kind !== 'condition') throw error;
    }
  });
