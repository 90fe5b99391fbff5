/**
 * The size of an item as DynamoDB counts it: names and values in UTF-8, numbers at one byte per two
 * digits and one more, 3 bytes per list or map and 1 per element
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
 * @param item in the document client's form.
 * @returns bytes; for numbers an upper estimate, as AWS calls its own rule approximate.
 */
export const itemSize = (item: object): number => {
  let size = 0;
  for (const [name, value] of Object.entries(item)) {
    if (value !== undefined) size += Buffer.byteLength(name) + valueSize(value);
  }
  return size;
};

const valueSize = (value: unknown): number => {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return Math.ceil(String(value).length / 2) + 1;
  if (Array.isArray(value))
    return value.reduce((size: number, element) => size + 1 + valueSize(element), 3);
  if (typeof value === 'object' && value !== null)
    return 3 + Object.keys(value).length + itemSize(value);
  return 1;
};
