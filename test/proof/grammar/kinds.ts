import { constraintKinds } from './constraints.ts';
import { otherSettingKinds, resultSettingKinds } from './database-settings.ts';
import { detailKinds } from './details.ts';
import { extensionKinds } from './extensions.ts';
import { functionKinds } from './functions.ts';
import { indexKinds } from './indexes.ts';
import type { Kind } from './kind.ts';
import { outsideKinds } from './outside.ts';
import { partitionKinds } from './partitions.ts';
import { rightKinds } from './rights.ts';
import { trapKinds } from './settings-traps.ts';
import { tableKinds } from './tables.ts';
import { triggerKinds } from './triggers.ts';
import { typeKinds } from './types.ts';
import { viewKinds } from './views.ts';

/** Settings that must be in force before there are values. */
export const settingKinds: readonly Kind[] = resultSettingKinds;

export const lateSettingKinds: readonly Kind[] = otherSettingKinds;

/** Statements that make and change what a database holds. */
export const contentKinds: readonly Kind[] = [
  ...tableKinds,
  ...typeKinds,
  ...partitionKinds,
  ...indexKinds,
  ...constraintKinds,
  ...viewKinds,
  ...functionKinds,
  ...trapKinds,
  ...triggerKinds,
  ...rightKinds,
  ...detailKinds,
  ...outsideKinds,
  ...extensionKinds,
];

export const allKinds: readonly Kind[] = [...settingKinds, ...contentKinds, ...lateSettingKinds];
