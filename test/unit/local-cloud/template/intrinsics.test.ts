import { describe, expect, it } from 'vitest';
import {
  resolveIntrinsics,
  type TemplateScope,
} from '../../../../local-cloud/template/intrinsics.ts';
import cases from './intrinsics-cases.json' with { type: 'json' };

const references: Readonly<Record<string, unknown>> = {
  Table: 'events',
  'AWS::Region': 'eu-west-1',
  Count: 3,
};

const scope: TemplateScope = {
  ref: (name) => references[name],
  attribute: (logicalId, name) =>
    logicalId === 'Table' && name === 'Arn' ? 'arn:table' : undefined,
};

describe('resolveIntrinsics', () => {
  for (const { value, gives } of cases.resolved) {
    it(`resolves ${JSON.stringify(value)}`, () => {
      expect(resolveIntrinsics(value, scope)).toEqual(gives);
    });
  }

  for (const { value, message } of cases.refused) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      expect(() => resolveIntrinsics(value, scope)).toThrow(message);
    });
  }
});
