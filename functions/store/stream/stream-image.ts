import type { AttributeValue } from 'aws-lambda';

/**
 * Reads an item as a stream record carries it.
 *
 * The SDK's unmarshall wants the SDK's own attribute values; in Lambda's, binary ones are base64
 * text. The ledger has none, but another deployment may add an attribute of any type, which must
 * not keep this code from reading the others.
 * @returns the item in the document client's form; empty where the record carries none.
 */
export const streamImage = (
  image: Readonly<Record<string, AttributeValue>> | undefined,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(image ?? {}).map(([key, value]) => [key, plain(value)]));

const plain = (value: AttributeValue): unknown => {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.L !== undefined) return value.L.map(plain);
  if (value.M !== undefined) return streamImage(value.M);
  if (value.NULL) return null;
  if (value.SS !== undefined) return new Set(value.SS);
  if (value.NS !== undefined) return new Set(value.NS.map(Number));
  if (value.B !== undefined) return Buffer.from(value.B, 'base64');
  if (value.BS !== undefined) return new Set(value.BS.map((bytes) => Buffer.from(bytes, 'base64')));
  return undefined;
};
