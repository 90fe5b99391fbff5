import { createHandler } from '../queries/openapi.ts';

export const handler = createHandler();
