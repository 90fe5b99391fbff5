/** A grant that nothing on one machine can use, and why a role has it all the same. */
interface UnusedGrant {
  readonly action: string;
  /** Whose: the beginning of what its policy is called. */
  readonly of: string;
  readonly reason: string;
}

const functions = 'role holdfast-dev-';
const workflow = 'role Holdfast-dev-TransferWorkflow';

const traces =
  'X-Ray takes traces from the daemon beside a function or a workflow; there is none on one machine';
const logDelivery =
  'Step Functions makes and keeps the delivery of a log under this role when the machine is deployed, and checks that it may; ' +
  'here log lines go to the terminal';

/**
 * Every grant that the tests do not see used. One that is used all the same, or that no role has
 * any more, makes grants.test.ts fail.
 */
export const unusedGrants: readonly UnusedGrant[] = [
  ...['xray:PutTraceSegments', 'xray:PutTelemetryRecords'].flatMap((action) => [
    { action, of: functions, reason: traces },
    { action, of: workflow, reason: traces },
  ]),
  ...['xray:GetSamplingRules', 'xray:GetSamplingTargets'].map((action) => ({
    action,
    of: workflow,
    reason: traces,
  })),
  ...[
    'logs:CreateLogDelivery',
    'logs:GetLogDelivery',
    'logs:UpdateLogDelivery',
    'logs:DeleteLogDelivery',
    'logs:ListLogDeliveries',
    'logs:PutResourcePolicy',
    'logs:DescribeResourcePolicies',
    'logs:DescribeLogGroups',
  ].map((action) => ({ action, of: workflow, reason: logDelivery })),
];
