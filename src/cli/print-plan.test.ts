import { expect, test } from 'vitest';
import type { Plan } from '../patch/plan.ts';
import { printPlan } from './print-plan.ts';

function planFor(engine: Plan['engine']['id']): Plan {
  return {
    image: '/till.raw',
    changes: [],
    held: [],
    engine: { id: engine, reason: 'asked for by the operator' },
    download: { total: 0 },
    disk: { needed: 0, free: 0 },
    changedConffiles: [],
    atNextStart: [],
    needsRunningSystem: [
      {
        package: 'app',
        script: 'postinst',
        readFrom: 'package',
        command: 'systemctl restart app',
        needs: 'a running systemd',
        isTolerated: false,
      },
    ],
    forecast: { registers: [], keys: [], asksForRecoveryKey: 'no', gaps: [] },
    repositories: [],
    skippedSources: [],
  };
}

test('a plan names the engine that starts the copy, for packages that need it', () => {
  expect(printPlan(planFor('appliance'))).toContain(
    'find none; with --engine boot they do:\n  app (postinst)',
  );
  expect(printPlan(planFor('boot'))).toContain('which the started copy is:\n  app (postinst)');
});
