import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { parseCompute, settingsOf, streamConsumers } from '../../../infra/stages.ts';
import { synthesize } from '../../../infra/synth.ts';
import { createAccess } from '../../../local-cloud/iam/access.ts';
import type { Rule } from '../../../local-cloud/iam/policy.ts';
import type { AccessRequest } from '../../../local-cloud/iam/request.ts';
import { reportPath } from '../../setup/assembly.ts';
import { startTestCloud, type TestCloud } from '../../setup/cloud.ts';
import { unusedGrants } from './unused-grants.ts';
import { useEverything } from './used-grants.ts';

const { streams, compute: computeOfStage } = settingsOf('dev');
const chosen = process.env['HOLDFAST_COMPUTE'];
const settings = {
  transfers: inject('transfers'),
  compute: chosen === undefined ? computeOfStage : parseCompute(chosen),
  // A batch that fails is given up in a second, and not in minutes.
  streams: {
    ...streams,
    ...Object.fromEntries(
      streamConsumers.map((name) => [name, { ...streams[name], retryAttempts: 2 }]),
    ),
  },
};

let cloud: TestCloud;
/** What was asked for, and allowed, while everything was used. */
let used: readonly AccessRequest[];

beforeAll(async () => {
  const outdir = join(import.meta.dirname, '../../../build/e2e-grants');
  const assembly = await synthesize({ stage: 'dev', outdir, settings });
  vi.useFakeTimers({ toFake: ['setInterval'] });
  cloud = await startTestCloud(assembly);
  await useEverything(cloud, settings);
  used = cloud.access.used();
}, 180_000);

afterAll(async () => {
  vi.useRealTimers();
  await cloud.stop();
});

const nameOf = ({ source, action, resource }: Rule): string =>
  `${source}: ${action} on ${resource}`;

/** What of all that was used is refused once a grant is taken away. */
const refusedWithout = (grant: Rule): readonly AccessRequest[] => {
  const without = (policies: ReadonlyMap<string, readonly Rule[]>) =>
    new Map([...policies].map(([arn, rules]) => [arn, rules.filter((rule) => rule !== grant)]));
  const { roles, resources } = cloud.template.policies;
  const access = createAccess({ roles: without(roles), resources: without(resources) });
  return used.filter((request) => access.refusal(request) !== undefined);
};

const isListed = ({ source, action }: Rule): boolean =>
  unusedGrants.some((listed) => listed.action === action && source.startsWith(listed.of));

describe('of all that the roles and the permissions allow', () => {
  it('each grant, taken away, makes a request fail that is needed, or is listed with its reason', () => {
    const needless = cloud.access.grants().filter((grant) => refusedWithout(grant).length === 0);
    writeReport(needless);
    expect(needless.filter((grant) => !isListed(grant)).map(nameOf)).toEqual([]);
  });

  it('what is listed as unused is granted, and is not used', () => {
    const grants = cloud.access.grants();
    const stale = unusedGrants.filter((listed) => {
      const found = grants.filter(
        ({ source, action }) => listed.action === action && source.startsWith(listed.of),
      );
      return found.length === 0 || found.some((grant) => refusedWithout(grant).length > 0);
    });
    expect(stale).toEqual([]);
  });

  it('there are as many as the functions, the routes and the workflow make one expect', () => {
    const grants = cloud.access.grants();
    expect(grants.length).toBeGreaterThan(150);
    const { api, schedules } = cloud.template;
    const routed = new Set(api.routes.map(({ target }) => target.functionName));
    const steps = ['credit', 'settle', 'release'];
    expect(grants.filter(({ action }) => action === 'lambda:InvokeFunction')).toHaveLength(
      routed.size + schedules.length + steps.length,
    );
  });

  it('everything that was asked for was allowed', () => {
    expect(cloud.warnings.filter((line) => line.includes('not authorized'))).toEqual([]);
  });
});

/** What the end of the run says of grants that nothing used. */
const writeReport = (needless: readonly Rule[]): void => {
  const all = cloud.access.grants().length;
  const reasons = Map.groupBy(needless, (grant) => {
    const listed = unusedGrants.find(
      ({ action, of }) => action === grant.action && grant.source.startsWith(of),
    );
    return listed?.reason ?? 'NO REASON IS GIVEN';
  });
  const lines = [...reasons].flatMap(([reason, grants]) => [
    `  ${grants.length} without use: ${reason}`,
    ...new Set(grants.map(({ action }) => `    ${action}`)),
  ]);
  const used = `Grants: ${all - needless.length} of ${all} are used, and each is needed`;
  writeFileSync(reportPath, `${[used, ...lines].join('\n')}\n`);
};
