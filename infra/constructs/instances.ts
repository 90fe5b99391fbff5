import { Fn, Validations } from 'aws-cdk-lib';
import {
  CfnSecurityGroup,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import {
  Architecture,
  CapacityProvider,
  type Function as LambdaFunction,
} from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Compute, StageSettings } from '../stages.ts';
import { type FunctionName, gainsFromSharing } from './catalogue.ts';

/** Whether a function runs on managed instances in a stage. */
export const runsOnInstances = (name: FunctionName, compute: Compute): boolean =>
  compute === 'instances' && gainsFromSharing(name);

/** The number over which Lambda spreads environments. */
const AVAILABILITY_ZONES = 3;

/**
 * The instances of Lambda Managed Instances, and the network that they are in.
 *
 * Routes lead out of that network only to DynamoDB, through a gateway that costs nothing, and to
 * the services that take logs and traces, through interfaces that are paid by the hour. The
 * functions on instances call no other service: those that start the workflow run on demand.
 * Metrics are lines of the log.
 *
 * All functions of one capacity provider have to trust each other: containers keep them apart, not
 * virtual machines. These all belong to one ledger, and each has its own role.
 */
export class Instances extends Construct {
  readonly #capacity: CapacityProvider;
  readonly #settings: StageSettings;

  constructor(scope: Construct, id: string, { settings }: { readonly settings: StageSettings }) {
    super(scope, id);
    this.#settings = settings;
    const vpc = new Vpc(this, 'Vpc', {
      // By position: the template is for any region.
      availabilityZones: Array.from({ length: AVAILABILITY_ZONES }, (_, index) =>
        Fn.select(index, Fn.getAzs()),
      ),
      natGateways: 0,
      subnetConfiguration: [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED }],
      gatewayEndpoints: { DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB } },
    });
    // The list of DynamoDB's addresses has another name in each region, so the group allows any
    // address: the routes decide which can be reached.
    const { attrGroupId } = new CfnSecurityGroup(this, 'SecurityGroup', {
      vpcId: vpc.vpcId,
      groupDescription: 'The instances: nothing comes in, HTTPS goes out',
      securityGroupEgress: [
        {
          ipProtocol: 'tcp',
          fromPort: 443,
          toPort: 443,
          cidrIp: '0.0.0.0/0',
          description: 'HTTPS',
        },
      ],
    });
    const securityGroup = SecurityGroup.fromSecurityGroupId(this, 'OfInstances', attrGroupId, {
      mutable: false,
    });
    const called = {
      Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
      ...(settings.tracing && { Traces: InterfaceVpcEndpointAwsService.XRAY }),
    };
    for (const [name, service] of Object.entries(called)) {
      const endpoint = vpc.addInterfaceEndpoint(name, { service, open: false });
      endpoint.connections.allowDefaultPortFrom(securityGroup);
    }
    this.#capacity = new CapacityProvider(this, 'Capacity', {
      subnets: vpc.isolatedSubnets,
      securityGroups: [securityGroup],
      architectures: [Architecture.ARM_64],
      maxVCpuCount: settings.instances.processors,
    });
    // The instances start only when they can reach the services that take their logs.
    this.#capacity.node.addDependency(vpc);
    Validations.of(vpc).acknowledge({
      id: 'AwsSolutions-VPC7',
      reason:
        'No route leaves the network but to DynamoDB, the log and the traces: there is nobody to look for in a flow log.',
    });
    Validations.of(this.#capacity).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AWSLambdaManagedEC2ResourceOperator]',
      reason: "It is AWS's own list of what Lambda needs to run instances, and grows with Lambda.",
    });
  }

  /**
   * Has a function run here. A deployment publishes its code as the version `$LATEST.PUBLISHED`,
   * which the function's plain ARN invokes.
   * @throws where the stage reserves concurrency for it, which functions on instances cannot have.
   */
  take(lambda: LambdaFunction, name: FunctionName): void {
    const { instances, reservedConcurrency } = this.#settings;
    if (reservedConcurrency[name] !== undefined) {
      throw new Error(
        `${name} runs on instances, for which no concurrency can be reserved: environments.most bounds it. ` +
          'Take it out of reservedConcurrency in infra/stages.ts.',
      );
    }
    // By default there are eight threads for each processor, which share no memory: requests for
    // one account would rarely meet.
    lambda.addEnvironment('AWS_LAMBDA_NODEJS_WORKER_COUNT', '1');
    this.#capacity.addFunction(lambda, {
      perExecutionEnvironmentMaxConcurrency: instances.concurrency,
      executionEnvironmentMemoryGiBPerVCpu: 2,
      publishToLatestPublished: true,
      latestPublishedScalingConfig: {
        minExecutionEnvironments: instances.environments.least,
        maxExecutionEnvironments: instances.environments.most,
      },
    });
  }
}
