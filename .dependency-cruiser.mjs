// The arrows of the architecture (docs/architecture.md). Each rule is one sentence of it; `npm run
// arrows` holds them.
const production = '^functions/';

export default {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'Files that import each other cannot be read, tested or moved one at a time.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'functions-never-import-infra',
      comment: 'Nothing that runs in Lambda knows how, or where, it was deployed.',
      severity: 'error',
      from: { path: ['^events/', production] },
      to: {
        path: [
          '^infra/',
          '^local-cloud/',
          '^test/',
          '^testing/',
          '^storm/',
          '^bench/',
          '^fuzz/',
          '^smoke/',
        ],
      },
    },
    {
      name: 'openapi-is-made-ahead',
      comment:
        'The document is written into functions/queries before anything is bundled: tests alone ask how.',
      severity: 'error',
      from: { pathNot: ['^openapi/', '^test/'] },
      to: { path: '^openapi/' },
    },
    {
      name: 'openapi-knows-what-is-promised',
      comment:
        'Routes of the catalogue and schemas of the functions; nothing of how it is deployed.',
      severity: 'error',
      from: { path: '^openapi/' },
      to: {
        path: [
          '^infra/(?!constructs/catalogue\\.ts$)',
          '^local-cloud/',
          '^test/',
          '^testing/',
          '^storm/',
          '^bench/',
          '^fuzz/',
          '^smoke/',
        ],
      },
    },
    {
      name: 'events-depend-on-nothing',
      comment: 'The facts outlive the code around them: they may use zod and nothing else.',
      severity: 'error',
      from: { path: '^events/' },
      to: { pathNot: ['^events/', '^node_modules/zod/'] },
    },
    {
      name: 'ledger-is-pure',
      comment: 'decide and evolve: no AWS, no clock, no I/O. They may use the events and zod.',
      severity: 'error',
      from: { path: '^functions/ledger/' },
      to: { pathNot: ['^functions/ledger/', '^events/', '^node_modules/zod/'] },
    },
    {
      name: 'store-knows-only-the-ledger',
      comment: 'events <- ledger <- store <- (commands | transfers | projections | queries)',
      severity: 'error',
      from: { path: '^functions/store/' },
      to: { path: production, pathNot: ['^functions/(store|ledger|runtime)/'] },
    },
    {
      name: 'store-rooms-face-one-way',
      comment: 'stream <- writing <- deciding <- queueing <- the front doors',
      severity: 'error',
      from: { path: '^functions/store/stream/' },
      to: { path: '^functions/store/', pathNot: '^functions/store/stream/' },
    },
    {
      name: 'store-writes-before-it-decides',
      comment: 'What is written knows nothing of how it was decided.',
      severity: 'error',
      from: { path: '^functions/store/writing/' },
      to: { path: '^functions/store/', pathNot: '^functions/store/(stream|writing)/' },
    },
    {
      name: 'store-decides-before-it-queues',
      comment: 'One loop decides, whoever hands it commands.',
      severity: 'error',
      from: { path: '^functions/store/deciding/' },
      to: { path: '^functions/store/', pathNot: '^functions/store/(stream|writing|deciding)/' },
    },
    {
      name: 'store-rooms-do-not-look-out-of-the-door',
      comment: 'The front doors use the rooms.',
      severity: 'error',
      from: { path: '^functions/store/queueing/' },
      to: { path: '^functions/store/[^/]+$' },
    },
    {
      name: 'runtime-knows-nobody',
      comment:
        'Clients, environment, patience and telemetry serve every folder and depend on none.',
      severity: 'error',
      from: { path: '^functions/runtime/' },
      to: { path: ['^events/', production], pathNot: '^functions/runtime/' },
    },
    {
      name: 'views-lean-on-no-store',
      comment:
        'The views are rows of their own: they and the store meet in runtime and in the ledger.',
      severity: 'error',
      from: { path: '^functions/views/' },
      to: { path: '^functions/store/' },
    },
    {
      name: 'nothing-imports-a-lambda',
      comment:
        'The files in lambdas/ read the environment when they are loaded: only the bundler may do that.',
      severity: 'error',
      from: { pathNot: '^functions/lambdas/' },
      to: { path: '^functions/lambdas/' },
    },
    {
      name: 'lambdas-do-not-import-each-other',
      comment: 'Each is one deployed function.',
      severity: 'error',
      from: { path: '^functions/lambdas/(.+)$' },
      to: { path: '^functions/lambdas/', pathNot: '^functions/lambdas/$1$' },
    },
    {
      name: 'siblings-do-not-import-each-other',
      comment:
        'commands, transfers, projections and queries meet in the store, the ledger, the views and http only.',
      severity: 'error',
      from: { path: '^functions/(commands|transfers|projections|queries)/' },
      to: {
        path: '^functions/(commands|transfers|projections|queries)/',
        pathNot: '^functions/$1/',
      },
    },
    {
      name: 'http-is-shared-not-sharing',
      comment: 'What every HTTP Lambda shares cannot depend on one of them.',
      severity: 'error',
      from: { path: '^functions/(http|views)/' },
      to: { path: '^functions/(commands|transfers|projections|queries)/' },
    },
    {
      name: 'testing-is-shared-not-sharing',
      comment: 'What tests, bench, storm and fuzz share depends on none of them.',
      severity: 'error',
      from: { path: '^testing/' },
      to: { path: ['^test/', '^bench/', '^storm/', '^fuzz/', '^infra/', '^local-cloud/'] },
    },
    {
      name: 'smoke-knows-the-api-alone',
      comment: 'A deployment is checked from outside, as a client sees it.',
      severity: 'error',
      from: { path: '^smoke/' },
      to: {
        path: [
          '^events/',
          '^functions/',
          '^infra/',
          '^local-cloud/',
          '^test/',
          '^testing/',
          '^storm/',
          '^fuzz/',
          '^bench/',
        ],
      },
    },
    {
      name: 'client-knows-the-api-by-its-document',
      comment: 'It may be taken out of here as it is: its types are made from the document.',
      severity: 'error',
      from: { path: '^client/' },
      to: { pathNot: ['^client/', '^node_modules/openapi-fetch/'] },
    },
    {
      name: 'fuzz-knows-the-api-by-its-document',
      comment: 'What the code means by an answer must not be what the answer is held to.',
      severity: 'error',
      // The audit of the tables is about what the code wrote.
      from: { path: '^fuzz/', pathNot: '^fuzz/watch/audit\\.ts$' },
      to: { path: ['^events/', '^functions/', '^test/', '^storm/', '^bench/', '^smoke/'] },
    },
    {
      name: 'local-cloud-runs-bundles',
      comment:
        'The local cloud runs the synthesized template: it may not reach into the code the template deploys.',
      severity: 'error',
      from: { path: '^local-cloud/' },
      to: { path: ['^functions/', '^events/'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
};
