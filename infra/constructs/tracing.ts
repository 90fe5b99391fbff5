/** The actions that writing traces to X-Ray takes. They know no resources. */
export const traceActions: readonly string[] = [
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
];
