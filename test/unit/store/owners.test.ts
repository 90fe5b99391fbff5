import { expect, it } from 'vitest';
import { AccountId, Caller } from '../../../events/values.ts';
import { rememberOwners } from '../../../functions/store/owners.ts';
import { opened } from '../ledger/facts.ts';
import { fold, recorded } from '../ledger/given.ts';

const account = fold(recorded([opened()]));
const owner = Caller.parse(account?.owner);
const stranger = Caller.parse('mallory');
const ids = ['a', 'b', 'c'].map((id) => AccountId.parse(id));
const [a, b, c] = ids;

it('remembers an owner that it has seen, and no stranger that has asked', () => {
  const owners = rememberOwners();
  for (const streamId of ids) {
    expect(owners.tell({ streamId, account }, stranger)).toBe(false);
    expect(owners.areKnown(streamId, owner)).toBe(false);
    expect(owners.tell({ streamId, account }, owner)).toBe(true);
    expect(owners.areKnown(streamId, owner)).toBe(true);
    expect(owners.areKnown(streamId, stranger)).toBe(false);
    expect(owners.tell({ streamId, account: undefined }, owner)).toBe(false);
  }
});

it('forgets the account that was asked after the longest ago, once it has too many', () => {
  const owners = rememberOwners(2);
  if (!a || !b || !c) throw new Error('there are three');
  owners.tell({ streamId: a, account }, owner);
  owners.tell({ streamId: b, account }, owner);
  owners.areKnown(a, owner);
  owners.tell({ streamId: c, account }, owner);
  expect(ids.map((id) => owners.areKnown(id, owner))).toEqual([true, false, true]);
});
