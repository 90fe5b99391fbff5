import * as z from 'zod/mini';

/** A metric that an alarm watches or a widget shows. */
export interface WatchedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

const Dimensions = z._default(z.array(z.object({ Name: z.string(), Value: z.string() })), []);
const One = z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions });
const Many = z.object({
  Metrics: z.array(z.object({ MetricStat: z.optional(z.object({ Metric: One })) })),
});

/** The metrics of an alarm, from its properties. */
export const metricsOfAlarm = (
  properties: Readonly<Record<string, unknown>>,
): readonly WatchedMetric[] => {
  const many = Many.safeParse(properties);
  const metrics = many.success
    ? many.data.Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])
    : [One.parse(properties)];
  return metrics.map(({ Namespace, MetricName, Dimensions }) => ({
    namespace: Namespace,
    name: MetricName,
    dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
  }));
};

const Body = z.object({
  widgets: z.array(
    z.object({
      properties: z.object({
        title: z.optional(z.string()),
        metrics: z.optional(z.array(z.array(z.unknown()))),
      }),
    }),
  ),
});

/**
 * The metrics that a dashboard's widgets show, by title, from its body. What is calculated from
 * others is left out.
 */
export const metricsOfDashboard = (body: string): ReadonlyMap<string, readonly WatchedMetric[]> =>
  new Map(
    Body.parse(JSON.parse(body)).widgets.flatMap(({ properties: { title = '', metrics } }) =>
      metrics ? [[title, metrics.flatMap(shown)] as const] : [],
    ),
  );

/** A line of a widget: namespace, name, dimensions as pairs, and how it is drawn. */
const shown = (line: readonly unknown[]): readonly WatchedMetric[] => {
  const [namespace, name, ...pairs] = line.filter((part) => typeof part === 'string');
  if (namespace === undefined || name === undefined) return [];
  const dimensions = Object.fromEntries(
    pairs.flatMap((part, index) => (index % 2 === 0 ? [[part, pairs[index + 1] ?? '']] : [])),
  );
  return [{ namespace, name, dimensions }];
};
