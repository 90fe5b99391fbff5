/**
 * The key of a command's record, which makes the command happen once, over all accounts: `command:`
 * and the command's id, which is a transfer's id, comes from an `Idempotency-Key`, or is made up
 * for a command without a key that queues; `credit:` and a transfer's id for the credit that the
 * saga sends; `posting:` and a posting's id. No client's id makes a key of that form.
 */
export type RecordKey = `${'command' | 'credit' | 'posting'}:${string}`;

/** The key of the record of a command that a client knows by its id. */
export const recordKey = (commandId: string): RecordKey => `command:${commandId}`;

/** The key of the record that claims a posting's id. */
export const postingKey = (postingId: string): RecordKey => `posting:${postingId}`;

/** The command's id, as it is on events. */
export const commandIdOf = (key: RecordKey): string => key.replace(/^command:/, '');
