import { existsSync, readFileSync } from 'node:fs';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { expect, it } from 'vitest';
import * as z from 'zod/mini';
import {
  computes,
  type StageName,
  type StageSettings,
  stageNames,
  transfersSettings,
} from '../../../infra/stages.ts';
import { createApp } from '../../../infra/synth.ts';

// What is acknowledged is written down before anything is checked.
process.env['CDK_VALIDATION'] = 'false';

const Reasons = z.record(z.string(), z.string());

/** The rules of cdk-nag that a stage does not keep, each with its reasons. */
const acknowledgedIn = (stage: StageName, settings: Partial<StageSettings>) =>
  createApp({ stage, settings, code: () => Code.fromInline('exports.handler = async () => {}') })
    .app.node.findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
    .flatMap(({ data }) => Object.entries(Reasons.parse(data)))
    // The name of the workflow differs between stages.
    .map(
      ([rule, reason]) =>
        `| \`${rule.replace(/execution:[\w-]+:/, 'execution:…:')}\` | ${reason} |`,
    );

it('every rule of cdk-nag that is not kept stands in SECURITY.md with its reason, and no other does', () => {
  const acknowledged = stageNames.flatMap((stage) =>
    computes.flatMap((compute) =>
      transfersSettings.flatMap((transfers) =>
        // Without a key and without traces there is least to acknowledge, and something else.
        [true, false].flatMap((isWhole) =>
          acknowledgedIn(stage, {
            ...{ compute, transfers, key: isWhole ? 'customer' : 'aws', tracing: isWhole },
            ...(compute === 'instances' && { reservedConcurrency: {} }),
          }),
        ),
      ),
    ),
  );
  const [, section = ''] = readFileSync('SECURITY.md', 'utf8').split('## Rules that are not kept');
  const listed = section.split('\n').filter((line) => line.startsWith('| `'));
  expect(listed.toSorted()).toEqual([...new Set(acknowledged)].toSorted());
});

it('every test that SECURITY.md names is there, but for those that it says are still to come', () => {
  const rows = readFileSync('SECURITY.md', 'utf8').split('\n');
  const named = rows.flatMap((row) =>
    [...row.matchAll(/(test\/[\w./-]+)( †)?/g)].map(([, file = '', isToCome]) => ({
      file,
      isToCome,
    })),
  );
  expect(named.length).toBeGreaterThan(50);
  const missing = named.filter(({ file, isToCome }) => !isToCome && !existsSync(file));
  expect(missing).toEqual([]);
});
