import { expect, it } from 'vitest';
import { checkExecutionName } from '../../../../local-cloud/step-functions/execution-name.ts';

it.each(['t', 't1', 'A-Z_09.r1x', 'é', 'x'.repeat(80), '(a)+b=c@d!'])(
  '"%s" may be a name',
  (name) => {
    expect(() => checkExecutionName(name)).not.toThrow();
  },
);

it.each(
  [...' \t\n<>{}[]?*"#%\\^|~`$&,;:/\u0000\u001f\u007f\u009f\ufffe\uffff\ud800'].map((sign) => [
    sign,
  ]),
)('%j may not be in a name', (sign) => {
  expect(() => checkExecutionName(`a${sign}b`)).toThrow(
    expect.objectContaining({ code: 'InvalidName' }),
  );
});

it.each([
  ['nothing', ''],
  ['81 characters', 'x'.repeat(81)],
])('%s is no name', (_, name) => {
  expect(() => checkExecutionName(name)).toThrow(
    expect.objectContaining({ code: 'ValidationException' }),
  );
});
