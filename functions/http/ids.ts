/**
 * Makes ids that sort by the time they were made: UUID version 7 (RFC 9562, 5.7). 48 bits of
 * milliseconds, 74 random ones. Node's own `randomUUIDv7` is younger than the oldest Node 24 this
 * runs on, and cannot be given a clock.
 * @param clock milliseconds since 1970.
 * @param random that many random bytes, fit for secrets.
 * @returns a function that makes the next id.
 */
export const createIds =
  ({
    clock,
    random,
  }: {
    readonly clock: () => number;
    readonly random: (bytes: number) => Uint8Array;
  }) =>
  (): string => {
    const bytes = Buffer.alloc(16);
    bytes.writeUIntBE(clock(), 0, 6);
    bytes.set(random(10), 6);
    bytes[6] = 0x70 | (bytes.readUInt8(6) & 0x0f);
    bytes[8] = 0x80 | (bytes.readUInt8(8) & 0x3f);
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  };
