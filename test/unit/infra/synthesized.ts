import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import * as z from 'zod/mini';
import { type StageName, type StageSettings, settingsOf } from '../../../infra/stages.ts';
import { createApp } from '../../../infra/synth.ts';

/**
 * A resource of a template, its references replaced by readable names: `holdfast-dev-events.Arn`.
 */
export interface SynthesizedResource {
  readonly type: string;
  /** Its own name, where it has one, else its logical id without CDK's hash. */
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly deletionPolicy?: string | undefined;
}

// CDK's own check of the template takes a second in every file: app.test.ts has it done, once.
process.env['CDK_VALIDATION'] = 'false';

/** What was synthesized already, in the process that runs one test file after the other. */
const templates = new Map<string, Readonly<Record<string, unknown>>>();

/**
 * The template of a stage, with a line of code in place of every bundle. Nobody may change it: others
 * ask for it too.
 * @param settings what is not as the stage has it.
 */
export const templateOf = (
  stage: StageName,
  settings: Partial<StageSettings> = {},
): Readonly<Record<string, unknown>> => {
  const asked = JSON.stringify([stage, { ...settingsOf(stage), ...settings }]);
  const template = templates.get(asked) ?? newTemplate(stage, settings);
  templates.set(asked, template);
  return template;
};

const newTemplate = (stage: StageName, settings: Partial<StageSettings>) => {
  const { stack } = createApp({
    settings,
    stage,
    code: () => Code.fromInline('exports.handler = async () => {}'),
  });
  return Template.fromStack(stack).toJSON();
};

/**
 * Synthesizes the stack of a stage.
 * @param settings what is not as the stage has it.
 * @returns all its resources. Throws, as a deployment would, where resources depend on each other
 *   in a circle.
 */
export const synthesized = (
  stage: StageName,
  settings: Partial<StageSettings> = {},
): readonly SynthesizedResource[] => readable(templateOf(stage, settings));

/** The resources of a template. */
export const readable = (template: unknown): readonly SynthesizedResource[] => {
  const { Resources: resources } = TemplateShape.parse(template);
  const nameOf = (id: string): string => {
    const own = Object.entries(resources[id]?.Properties ?? {}).find(([property]) =>
      nameProperties.has(property),
    );
    return typeof own?.[1] === 'string' ? own[1] : id.replace(/[0-9A-F]{8}$/, '');
  };
  return Object.entries(resources).map(([id, { Type, Properties = {}, DeletionPolicy }]) => ({
    type: Type,
    name: nameOf(id),
    properties: z.record(z.string(), z.unknown()).parse(resolve(Properties, nameOf)),
    deletionPolicy: DeletionPolicy,
  }));
};

const TemplateShape = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z.optional(z.record(z.string(), z.unknown())),
      DeletionPolicy: z.optional(z.string()),
    }),
  ),
});

const nameProperties = new Set([
  'TableName',
  'FunctionName',
  'QueueName',
  'LogGroupName',
  'StateMachineName',
  'TopicName',
  'AlarmName',
]);

const Ref = z.strictObject({ Ref: z.string() });
const GetAtt = z.strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) });
const Join = z.strictObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });

const resolve = (value: unknown, nameOf: (id: string) => string): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => resolve(item, nameOf));
  const ref = Ref.safeParse(value);
  if (ref.success) return nameOf(ref.data.Ref);
  const attribute = GetAtt.safeParse(value);
  if (attribute.success)
    return `${nameOf(attribute.data['Fn::GetAtt'][0])}.${attribute.data['Fn::GetAtt'][1]}`;
  const join = Join.safeParse(value);
  if (join.success)
    return join.data['Fn::Join'][1]
      .map((part) => resolve(part, nameOf))
      .join(join.data['Fn::Join'][0]);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, resolve(item, nameOf)]),
  );
};
