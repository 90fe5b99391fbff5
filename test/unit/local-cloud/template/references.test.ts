import { expect, it } from 'vitest';
import { refuseDanglingReferences } from '../../../../local-cloud/template/references.ts';

const Resources = { Table: { Type: 'AWS::DynamoDB::Table' } };

const withPart = (part: unknown) => ({
  Resources: { ...Resources, Other: { Type: 'X', Properties: { Part: part } } },
});

/** As it stands in the text of `Fn::Sub`. */
const filledIn = (name: string) => `$\{${name}}`;

it.each([
  ['a Ref', withPart({ Ref: 'Gone' }), 'Resources.Other.Properties.Part refers to Gone'],
  [
    'a GetAtt',
    withPart([{ 'Fn::GetAtt': ['Gone', 'Arn'] }]),
    'Resources.Other.Properties.Part.0 refers to Gone',
  ],
  ['a GetAtt in text', withPart({ 'Fn::GetAtt': 'Gone.Arn' }), 'refers to Gone'],
  [
    'a Sub',
    withPart({ 'Fn::Sub': `${filledIn('Table')} ${filledIn('Gone.Arn')}` }),
    'refers to Gone',
  ],
  [
    'a Sub with variables',
    withPart({ 'Fn::Sub': [`${filledIn('Own')} ${filledIn('Gone')}`, { Own: 'x' }] }),
    'refers to Gone',
  ],
  [
    "a Sub's variable",
    withPart({ 'Fn::Sub': [filledIn('Own'), { Own: { Ref: 'Gone' } }] }),
    'refers to Gone',
  ],
  ['a Join', withPart({ 'Fn::Join': ['', ['a', { Ref: 'Gone' }]] }), 'refers to Gone'],
  [
    'DependsOn',
    { Resources: { ...Resources, Other: { Type: 'X', DependsOn: ['Table', 'Gone'] } } },
    'refers to Gone',
  ],
  [
    'an output',
    { Resources, Outputs: { Name: { Value: { Ref: 'Gone' } } } },
    'Outputs.Name.Value refers to Gone',
  ],
])('%s that leads nowhere is refused by name', (_, template, message) => {
  expect(() => refuseDanglingReferences(template)).toThrow(message);
});

it('what leads to a resource, a parameter or what CloudFormation gives is taken', () => {
  const template = withPart([
    { Ref: 'Table' },
    { Ref: 'Version' },
    { Ref: 'AWS::Region' },
    { 'Fn::GetAtt': ['Table', 'Arn'] },
    { 'Fn::Sub': `${filledIn('Table')} ${filledIn('AWS::AccountId')} ${filledIn('!Literal')}` },
    { DependsOn: 'a property that is called so' },
  ]);
  expect(() =>
    refuseDanglingReferences({ ...template, Parameters: { Version: {} } }),
  ).not.toThrow();
});
