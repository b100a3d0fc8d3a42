import { problemsOf, SafeMigrateError } from '../system/errors.ts';
import type { Phase } from '../system/phase.ts';
import { docsLink } from './docs-link.ts';
import type { RecoveryEvidence } from './recovery-evidence.ts';
import type {
  BackupRecord,
  Command,
  EarlierRun,
  KeptDatabase,
  MigrationFailure,
  NextStep,
  PendingWay,
  PhaseRecord,
  ProofRecord,
  RecoveryMethod,
  RecoveryWay,
  Report,
  ReportedProblem,
  Result,
  RoleChange,
  StoredBackupRecord,
  TableDifference,
} from './report.ts';

/** The parts of a Report that a story fills in as it learns them. */
interface Findings {
  target: Report['target'];
  prismaVersion: string | null;
  pendingMigrations: readonly string[];
  appliedMigrations: readonly string[];
  backup: BackupRecord | null;
  proof: ProofRecord | null;
  failure: MigrationFailure | null;
  recoveryWays: readonly RecoveryWay[];
  pendingWays: readonly PendingWay[];
  recoveryMethod: RecoveryMethod;
  recoverySeconds: number | null;
  recovery: Report['recovery'];
  failedDatabase: string | null;
  dataLoss: Report['dataLoss'];
  drift: Report['drift'];
  check: Report['check'];
  rollback: Report['rollback'];
  writesBeforeMigration: readonly string[] | null;
  newWrites: readonly TableDifference[] | null;
  roleChanges: readonly RoleChange[];
  keptDatabases: readonly KeptDatabase[];
  storedBackups: readonly StoredBackupRecord[] | null;
  earlierRun: EarlierRun | null;
}

/**
 * The run's record while it grows; `build` makes the Report of it. Every setter replaces what was there,
 * `phase`, `problem`, `warn` and `nextStep` add.
 */
export class ReportBuilder {
  readonly #command: Command;
  readonly #run: Omit<Report['run'], 'finishedAt'>;
  readonly #phases: PhaseRecord[] = [];
  readonly #problems: ReportedProblem[] = [];
  readonly #warnings: string[] = [];
  readonly #nextSteps: NextStep[] = [];
  readonly #findings: Findings = {
    target: null,
    prismaVersion: null,
    pendingMigrations: [],
    appliedMigrations: [],
    backup: null,
    proof: null,
    failure: null,
    recoveryWays: [],
    pendingWays: [],
    recoveryMethod: 'none',
    recoverySeconds: null,
    recovery: null,
    failedDatabase: null,
    dataLoss: [],
    drift: 'unknown',
    check: null,
    rollback: null,
    writesBeforeMigration: null,
    newWrites: null,
    roleChanges: [],
    keptDatabases: [],
    storedBackups: null,
    earlierRun: null,
  };

  constructor(start: { readonly command: Command; readonly run: Omit<Report['run'], 'finishedAt'> }) {
    this.#command = start.command;
    this.#run = start.run;
  }

  target(target: NonNullable<Report['target']>): void {
    this.#findings.target = target;
  }

  prisma(version: string): void {
    this.#findings.prismaVersion = version;
  }

  pending(migrations: readonly string[]): void {
    this.#findings.pendingMigrations = [...migrations];
  }

  /** Migrations of this run that are applied in the target now; empty again after they were undone. */
  applied(migrations: readonly string[]): void {
    this.#findings.appliedMigrations = [...migrations];
  }

  backup(backup: BackupRecord): void {
    this.#findings.backup = backup;
  }

  proof(proof: ProofRecord): void {
    this.#findings.proof = proof;
  }

  failure(failure: MigrationFailure): void {
    this.#findings.failure = failure;
  }

  /** Which ways back are open, as preflight saw them. */
  recoveryWays(ways: readonly RecoveryWay[]): void {
    this.#findings.recoveryWays = [...ways];
  }

  /** The way back that each pending migration leaves open. */
  pendingWays(ways: readonly PendingWay[]): void {
    this.#findings.pendingWays = [...ways];
  }

  /** `seconds`: from the decision to recover until the target was back. */
  recovery(method: RecoveryMethod, seconds: number | null): void {
    this.#findings.recoveryMethod = method;
    this.#findings.recoverySeconds = seconds;
  }

  /** What the decision how to recover rests on; of an earlier run as well. */
  recoveryEvidence(evidence: RecoveryEvidence): void {
    this.#findings.recovery = { evidence };
  }

  failedDatabase(name: string): void {
    this.#findings.failedDatabase = name;
  }

  dataLoss(loss: Report['dataLoss']): void {
    this.#findings.dataLoss = [...loss];
  }

  drift(drift: Report['drift']): void {
    this.#findings.drift = drift;
  }

  /** Replaced as more is known. */
  rollback(rollback: NonNullable<Report['rollback']>): void {
    this.#findings.rollback = rollback;
  }

  check(check: NonNullable<Report['check']>): void {
    this.#findings.check = check;
  }

  /** Tables that had moved on between the snapshot and the migration. */
  writesBeforeMigration(tables: readonly string[]): void {
    this.#findings.writesBeforeMigration = [...tables];
  }

  /** Differences between the failed database and the recovered target. */
  roleChanges(changes: readonly RoleChange[]): void {
    this.#findings.roleChanges = [...changes];
  }

  newWrites(differences: readonly TableDifference[]): void {
    this.#findings.newWrites = [...differences];
  }

  kept(databases: readonly KeptDatabase[]): void {
    this.#findings.keptDatabases = [...databases];
  }

  /** An earlier run that this one found unfinished. */
  earlierRun({ run, command, phase, at, outcome, fact }: EarlierRun): void {
    this.#findings.earlierRun = { run, command, phase, at, outcome, fact };
  }

  storedBackups(backups: readonly StoredBackupRecord[]): void {
    this.#findings.storedBackups = [...backups];
  }

  phase(record: PhaseRecord): void {
    this.#phases.push(record);
  }

  /**
   * Everything that an error stands for. The first one given is the reason of the result; when recovery
   * fails as well, give both, the migration's first. Where neither the error nor the caller knows the phase,
   * it is the one that failed last.
   */
  problem(error: unknown, phase: Phase | null = null): void {
    const known = (error instanceof SafeMigrateError ? error.phase : undefined) ?? phase;
    const place = known ?? this.#phases.findLast(({ status }) => status === 'failed')?.phase ?? null;
    for (const { code, message, hint, docs = 'errors.md' } of problemsOf(error)) {
      this.#problems.push({ code, message, hint, phase: place, docs: docsLink(docs, code) });
    }
  }

  /** A warning that was given before is not repeated. */
  warn(line: string): void {
    if (!this.#warnings.includes(line)) this.#warnings.push(line);
  }

  nextStep(step: NextStep): void {
    this.#nextSteps.push(step);
  }

  /** The finished value; the builder may go on and build again (a problem while publishing). */
  build(result: Result, finishedAt: Date): Report {
    return {
      formatVersion: 1,
      command: this.#command,
      result,
      run: { ...this.#run, finishedAt: finishedAt.toISOString() },
      ...this.#findings,
      phases: [...this.#phases],
      problems: [...this.#problems],
      warnings: [...this.#warnings],
      nextSteps: [...this.#nextSteps],
    };
  }
}
