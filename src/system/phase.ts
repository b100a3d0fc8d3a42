/** The story's chapters, in their order. Public: they stand in logs, errors and report.json. */
export const phases = [
  'inputs',
  'preflight',
  'fetch',
  'dump',
  'prove',
  'store',
  'rehearse',
  'quiesce',
  'migrate',
  'confirm',
  'check',
  'recover',
  'settle',
  'prune',
  'report',
] as const;
export type Phase = (typeof phases)[number];
