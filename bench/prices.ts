import type { Usage } from './metering.ts';

/**
 * Published on-demand prices of us-east-1 in US dollars, without free tiers, as of 2026-11.
 * Storage, logs and data transfer are not here: they do not depend on the design.
 *
 * - DynamoDB, on demand, standard table class, since 2024-11:
 *   https://aws.amazon.com/dynamodb/pricing/on-demand/
 * - Lambda, arm64, first tier: https://aws.amazon.com/lambda/pricing/
 * - API Gateway, HTTP API, first tier: https://aws.amazon.com/api-gateway/pricing/
 * - Step Functions: https://aws.amazon.com/step-functions/pricing/
 *
 * Reading a stream costs nothing where Lambda does it (the DynamoDB page says so).
 */
export const prices = {
  asOf: '2026-11',
  dynamodb: { perMillionWriteUnits: 0.625, perMillionReadUnits: 0.125 },
  lambda: { perMillionRequests: 0.2, perGbSecond: 0.000_013_333_4 },
  httpApi: { perMillionRequests: 1 },
  stepFunctions: {
    standard: { perMillionTransitions: 25 },
    express: { perMillionRequests: 1, perGbSecond: 0.000_016_67 },
  },
} as const;

/** The services' work for one request of a kind. */
export interface Work {
  /** Of DynamoDB. */
  readonly usage: Usage;
  readonly httpRequests: number;
  /** Lambda invocations, and how long all of them together run, in milliseconds. */
  readonly invocations: number;
  readonly milliseconds: number;
  /** Whether it carries out the transfer workflow. */
  readonly workflow: boolean;
}

/** What a million of them cost, in US dollars. */
export interface Money {
  readonly dynamodb: number;
  readonly lambda: number;
  readonly httpApi: number;
  /** As a Standard workflow, and as an Express one. */
  readonly standard: number;
  readonly express: number;
}

/** Prices a million of a kind of request. */
export const perMillion = ({
  usage,
  httpRequests,
  invocations,
  milliseconds,
  workflow,
}: Work): Money => {
  const { dynamodb, lambda, httpApi, stepFunctions } = prices;
  const { standard, express } = stepFunctions;
  return {
    dynamodb:
      usage.writeUnits * dynamodb.perMillionWriteUnits +
      usage.readUnits * dynamodb.perMillionReadUnits,
    lambda:
      invocations * lambda.perMillionRequests +
      milliseconds * 1_000 * MEMORY_GB * lambda.perGbSecond,
    httpApi: httpRequests * httpApi.perMillionRequests,
    standard: workflow ? TRANSITIONS * standard.perMillionTransitions : 0,
    express: workflow
      ? express.perMillionRequests + EXPRESS_GB_SECONDS * 1e6 * express.perGbSecond
      : 0,
  };
};

/** The functions' memory: 1,024 MB; see infra/constructs/catalogue.ts. */
const MEMORY_GB = 1;

/**
 * Of one transfer, and what an Express workflow is billed for it: 64 MB for 200 ms; see
 * docs/decisions/0006.
 */
const TRANSITIONS = 4;
const EXPRESS_GB_SECONDS = 0.0625 * 0.2;
