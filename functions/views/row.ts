import * as z from 'zod/mini';

/** An item of the views table, in the document client's form. */
export type Item = Readonly<Record<string, unknown>>;

/**
 * The version of the rows' shapes, which every row carries as `schema`. Attributes may be added
 * under the same number, and code that does not know them passes over them; a change to what a row
 * means, or to which rows there are, counts the number up: `npm run rebuild` then replaces the rows
 * of before.
 */
export const ROW_SCHEMA = 3;

/**
 * A row that this code cannot read: damaged, or written by other code. Nothing may be concluded
 * from it.
 */
export class UnreadableRow extends Error {
  override readonly name = 'UnreadableRow';
  readonly pk: string;
  readonly sk: string;

  constructor({ pk, sk }: Item, why: string) {
    super(`the row ${pk} ${sk} of the views cannot be read: ${why}`);
    this.pk = String(pk);
    this.sk = String(sk);
  }
}

/** Whether an error is an {@link UnreadableRow}. */
export const isUnreadableRow = (error: unknown): error is UnreadableRow =>
  error instanceof UnreadableRow;

/** Told of every row that is passed over. */
export type PassOver = (row: UnreadableRow) => void;

/** The schema of an item: the first where it names none, 0 where what it names is no number. */
export const rowSchemaOf = ({ schema = 1 }: Item): number =>
  typeof schema === 'number' ? schema : 0;

/**
 * Reads an item as one kind of row. It drops attributes that the kind does not have, such as the
 * table's and the indexes' keys.
 * @param kind what the row must hold, as an object that is not strict.
 * @throws {UnreadableRow} where the item is none, or of a schema that this code does not know; an
 *   item that names no schema is of the first.
 */
export const readRow = <Kind extends z.ZodMiniObject>(kind: Kind, item: Item): z.output<Kind> => {
  const schema = rowSchemaOf(item);
  if (schema !== ROW_SCHEMA)
    throw new UnreadableRow(item, `it is of schema ${schema}, not ${ROW_SCHEMA}`);
  const result = kind.safeParse(item);
  if (!result.success) throw new UnreadableRow(item, z.prettifyError(result.error));
  return result.data;
};

/**
 * @returns the row; `undefined` where the item is none yet, or cannot be read: `passOver` is told
 * then.
 */
export const readOrPass = <Row>(
  item: Item,
  read: (item: Item) => Row | undefined,
  passOver: PassOver,
): Row | undefined => {
  try {
    return read(item);
  } catch (error) {
    if (!isUnreadableRow(error)) throw error;
    passOver(error);
    return undefined;
  }
};
