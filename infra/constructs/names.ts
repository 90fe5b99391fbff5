import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { Compute, StageName } from '../stages.ts';
import type { FunctionName } from './catalogue.ts';

/**
 * The name of a function. AWS never takes a capacity provider off a function: moving back takes
 * another function, of another name.
 */
export const functionNameOf = (stage: StageName, name: FunctionName, compute: Compute): string =>
  `holdfast-${stage}-${compute === 'instances' ? 'instances-' : ''}${name}`;

/**
 * The name of the role that a function acts under. Roles are not of a region, so its name is part
 * of theirs: one account may hold a stage in several.
 * @param scope anything in the stack.
 */
export const roleNameOf = (scope: IConstruct, functionName: string): string =>
  `${functionName}-${Stack.of(scope).region}`;
