import { describe, expect, it } from 'vitest';
import { TransferId } from '../../../events/values.ts';
import { createIds } from '../../../functions/http/ids.ts';

const filledWith = (byte: number) => (bytes: number) => new Uint8Array(bytes).fill(byte);

describe('made ids', () => {
  it('are UUIDs of version 7, laid out as RFC 9562 has it', () => {
    // The example of RFC 9562, appendix A.6.
    const random = () => Uint8Array.from(Buffer.from('0cc318c4dc0c0c07398f', 'hex'));
    const newId = createIds({ clock: () => 0x017f22e279b0, random });
    expect(newId()).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  it('have their version and variant whatever the random bits are', () => {
    const versions = [0x00, 0xff].map((byte) =>
      createIds({ clock: () => 0, random: filledWith(byte) })(),
    );
    expect(versions).toEqual([
      '00000000-0000-7000-8000-000000000000',
      '00000000-0000-7fff-bfff-ffffffffffff',
    ]);
  });

  it('sort by the time they were made, whatever their random parts are', () => {
    let now = Date.parse('2026-11-21T10:00:00.000Z');
    // The later an id is made, the smaller its random part: if that came first, or took part of the
    // time's place, they would sort the other way round.
    const newId = createIds({
      clock: () => now++,
      random: (bytes) => filledWith(255 - (now % 256))(bytes),
    });
    const made = Array.from({ length: 300 }, newId);
    expect(made.toSorted()).toEqual(made);
  });

  it('differ within one millisecond, by fresh random bytes each', () => {
    let asked = 0;
    const random = (bytes: number) => {
      asked += 1;
      return filledWith(asked)(bytes);
    };
    const newId = createIds({ clock: () => 0x017f22e279b0, random });
    expect([newId(), newId()]).toEqual([
      '017f22e2-79b0-7101-8101-010101010101',
      '017f22e2-79b0-7202-8202-020202020202',
    ]);
  });

  it('differ in each of the 74 bits that are random', () => {
    const idOf = (bytes: Uint8Array) => createIds({ clock: () => 0, random: () => bytes })();
    const idsOfOneBit = Array.from({ length: 80 }, (_, bit) => {
      const bytes = new Uint8Array(10);
      bytes[bit >> 3] = 0x80 >> (bit & 7);
      return idOf(bytes);
    });
    // Six of the 80 bits lie where the version and the variant are.
    expect(new Set(idsOfOneBit).size).toBe(74 + 1);
  });

  it('are ids of accounts and transfers', () => {
    expect(
      TransferId.safeParse(createIds({ clock: Date.now, random: filledWith(7) })()).success,
    ).toBe(true);
  });
});
