import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import * as z from 'zod/mini';
import { startTestCloud, type TestCloud } from '../../setup/cloud.ts';
import { eventually } from '../../setup/eventually.ts';

const Template = z.looseObject({
  Resources: z.record(z.string(), z.looseObject({ Type: z.string() })),
});

const Statements = z.object({
  Properties: z.object({
    Policies: z.array(
      z.looseObject({
        PolicyDocument: z.looseObject({
          Statement: z.array(z.looseObject({ Action: z.unknown(), Resource: z.unknown() })),
        }),
      }),
    ),
  }),
});

type Resources = z.infer<typeof Template>['Resources'];

/** The ledger of this run, with a change to its template. */
const startWith = async (change: (resources: Resources) => void): Promise<TestCloud> => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-removed-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  cpSync(inject('assembly'), directory, { recursive: true });
  const file = join(directory, 'Holdfast-dev.template.json');
  const template = Template.parse(JSON.parse(readFileSync(file, 'utf8')));
  change(template.Resources);
  writeFileSync(file, JSON.stringify(template));
  const cloud = await startTestCloud(directory);
  onTestFinished(() => cloud.stop());
  return cloud;
};

/**
 * Takes an action away from a role.
 * @param role the beginning of the role's logical id.
 * @param resource what stands in the ARN of the resource that it is taken away on.
 */
const takeAway =
  (role: string, action: string, resource: string) =>
  (resources: Resources): void => {
    let taken = 0;
    for (const [id, found] of Object.entries(resources)) {
      if (!id.startsWith(role) || found.Type !== 'AWS::IAM::Role') continue;
      const { Properties } = Statements.parse(found);
      for (const statement of Properties.Policies.flatMap((it) => it.PolicyDocument.Statement)) {
        const actions = [statement.Action].flat();
        if (!actions.includes(action) || !JSON.stringify(statement.Resource).includes(resource))
          continue;
        statement.Action = actions.map((it) => (it === action ? 'nothing:Nothing' : it));
        taken += 1;
      }
      Object.assign(found, {
        Properties: { ...Object(found['Properties']), Policies: Properties.Policies },
      });
    }
    expect(taken).toBe(1);
  };

/** The workflow's one statement is about the functions of all of its steps. */
const takeAwayRelease = (resources: Resources): void => {
  const [id = ''] = Object.keys(resources).filter((it) => it.startsWith('TransferWorkflowRole'));
  const { Properties } = Statements.parse(resources[id]);
  const [invoke] = Properties.Policies.flatMap((it) => it.PolicyDocument.Statement);
  if (!invoke) throw new Error('the workflow may do nothing');
  const functions = [invoke.Resource].flat();
  invoke.Resource = functions.filter((it) => !JSON.stringify(it).includes('ReleaseTransfer'));
  expect(invoke.Resource).toHaveLength(functions.length - 1);
  Object.assign(resources[id] ?? {}, {
    Properties: { ...Object(resources[id]?.['Properties']), Policies: Properties.Policies },
  });
};

describe('a ledger without', () => {
  it('the right of deposit to append answers 500, and nothing is paid in', async () => {
    const cloud = await startWith(
      takeAway('FunctionsDepositRole', 'dynamodb:PutItem', 'TablesEvents'),
    );
    await cloud.api.account('a');
    const answer = await cloud.api.post('/accounts/a/deposits', { amount: 1 });
    expect(answer.status).toBe(500);
    expect((await cloud.api.get('/accounts/a')).body).toMatchObject({ balance: 0, version: 1 });
    expect(cloud.warnings.join('\n')).toContain(
      '-deposit is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/holdfast-dev-events',
    );
  });

  it('the leave of the API to call a function answers 500 on its route alone', async () => {
    const cloud = await startWith((resources) => {
      const [permission] = Object.keys(resources).filter((id) =>
        id.startsWith('HttpApiGETaccountsaccountIdgetaccountPermission'),
      );
      expect(permission).toBeDefined();
      delete resources[permission ?? ''];
    });
    await cloud.api.account('a');
    expect(await cloud.api.get('/accounts/a')).toMatchObject({
      status: 500,
      body: { message: 'Internal Server Error' },
    });
    expect(await cloud.api.get('/accounts/a/entries')).toMatchObject({ status: 200 });
  });

  it('the right of the workflow to release leaves the reservation open, and its history says why', async () => {
    const cloud = await startWith(takeAwayRelease);
    await cloud.api.account('a', 100);
    const transferId = 'never-released';
    await cloud.api.post('/transfers', { transferId, from: 'a', to: 'nobody', amount: 10 });
    await eventually(async () => {
      const { body } = await cloud.api.get(`/_local/executions/${transferId}`);
      expect(JSON.stringify(body['history'])).toContain('Lambda.AWSLambdaException');
    });
    expect((await cloud.api.get('/accounts/a')).body).toMatchObject({ reserved: 10 });
  });
});
