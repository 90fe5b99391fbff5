import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { cliContext, contextOf, readContext } from '../../../infra/context.ts';

/** What the cdk CLI, 2.1148, hands over of its own. */
const ofTheCli = {
  'cli-telemetry': false,
  'aws:cdk:enable-path-metadata': true,
  'aws:cdk:bundling-stacks': ['**'],
  '@aws-cdk/core:failSynthOnValidationErrors': false,
};

describe('the context', () => {
  it('says the stage, and whether it is meant to be open', () => {
    expect(readContext({ ...ofTheCli, stage: 'prod', open: 'yes' })).toEqual({
      stage: 'prod',
      open: true,
    });
    expect(readContext(ofTheCli)).toEqual({ stage: undefined, open: false });
  });

  it('says how the functions run, where that is not to be as the stage is set', () => {
    expect(readContext({ compute: 'instances' })).toMatchObject({ compute: 'instances' });
    expect(readContext(ofTheCli).compute).toBeUndefined();
    expect(() => readContext({ compute: 'fargate' })).toThrow(
      'There is no compute "fargate". There is: on-demand, instances.',
    );
    expect(() => readContext({ compute: true })).toThrow('There is no compute "true"');
  });

  it('says how transfers are carried out, where that is not to be as the stage is set', () => {
    expect(readContext({ transfers: 'workflow' })).toMatchObject({ transfers: 'workflow' });
    expect(readContext(ofTheCli).transfers).toBeUndefined();
    expect(() => readContext({ transfers: 'saga' })).toThrow(
      'There is no setting "saga" of transfers. There is: adaptive, stream, workflow.',
    );
    expect(() => readContext({ transfers: true })).toThrow('There is no setting "true"');
  });

  it('says whose key encrypts, where that is not to be as the stage is set', () => {
    expect(readContext({ key: 'customer' })).toMatchObject({ key: 'customer' });
    expect(readContext(ofTheCli).key).toBeUndefined();
    expect(() => readContext({ key: 'kms' })).toThrow(
      'There is no key of "kms". There is: aws, customer.',
    );
  });

  it('is refused for a key that nothing reads, naming those there are', () => {
    expect(() => readContext({ ...ofTheCli, stag: 'prod' })).toThrow(
      'There is no context key "stag". The keys are: stage, open, compute, transfers, key.',
    );
  });

  it.each(['no', 'true', '', true])(
    'is refused for open=%s, which says neither yes nor anything known',
    (open) => {
      expect(() => readContext({ open })).toThrow('The context key "open" takes "yes"');
    },
  );

  it('takes what stands in cdk.json', () => {
    const { context } = z
      .object({ context: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(readFileSync('cdk.json', 'utf8')));
    expect(() => readContext(context)).not.toThrow();
  });

  it('is typed as pairs', () => {
    expect(contextOf(['stage=prod', 'open=yes', 'a=b=c'])).toEqual({
      stage: 'prod',
      open: 'yes',
      a: 'b=c',
    });
    expect(() => contextOf(['stage'])).toThrow('-c takes KEY=VALUE, not "stage"');
  });

  it('comes from the cdk CLI in a variable, or from nowhere', () => {
    expect(cliContext('{"stage":"prod"}')).toEqual({ stage: 'prod' });
    expect(cliContext(undefined)).toEqual({});
  });
});

describe('the app', () => {
  const app = (args: readonly string[], context?: Record<string, unknown>) => {
    const { status, stderr } = spawnSync(process.execPath, ['infra/app.ts', ...args], {
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        ...(context && { CDK_CONTEXT_JSON: JSON.stringify(context) }),
      },
    });
    return { status, stderr: stderr.trim() };
  };

  it.each([
    { args: [], context: { ...ofTheCli, stag: 'prod' }, says: 'There is no context key "stag"' },
    {
      args: ['-c', 'stage=prodd', '-c', 'open=yes'],
      context: undefined,
      says: 'There is no stage "prodd"',
    },
    { args: ['-c', 'compute=fargate'], context: undefined, says: 'There is no compute "fargate"' },
    { args: ['-c', 'transfers='], context: undefined, says: 'There is no setting "" of transfers' },
  ])('ends with one line that says what is wrong: $args $context', ({ args, context, says }) => {
    const { status, stderr } = app(args, context);
    expect(status).toBe(1);
    expect(stderr).toContain(says);
    expect(stderr.split('\n')).toHaveLength(1);
  });
});
