import type { AttributeValue } from 'aws-lambda';

/**
 * Reads an item as a stream record carries it.
 *
 * The SDK's unmarshall wants the SDK's own attribute values; in Lambda's, binary ones are base64 text. The ledger has none.
 * @returns the item in the document client's form; empty where the record carries none.
 * @throws {Error} for an attribute of a type that no item of the ledger has.
 */
export const streamImage = (image: Readonly<Record<string, AttributeValue>> | undefined): Record<string, unknown> =>
  Object.fromEntries(Object.entries(image ?? {}).map(([key, value]) => [key, plain(value)]));

const plain = (value: AttributeValue): unknown => {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.L !== undefined) return value.L.map(plain);
  if (value.M !== undefined) return streamImage(value.M);
  if (value.NULL) return null;
  throw new Error(`an attribute of a type that no item of the ledger has: ${Object.keys(value)}`);
};
