import { RemovalPolicy } from 'aws-cdk-lib';
import type { StageSettings } from '../stages.ts';

/**
 * What becomes of a table or of logs when their stack goes, or when they are replaced. Where data
 * is protected they stay, unless the deployment that made them is rolled back: they hold nothing
 * then, and their names would block the next deployment.
 */
export const removalPolicyOf = ({
  protectData,
}: Pick<StageSettings, 'protectData'>): RemovalPolicy =>
  protectData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
