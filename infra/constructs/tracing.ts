/** What writing traces to X-Ray takes. These actions know no resources. */
export const traceActions: readonly string[] = [
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
];
