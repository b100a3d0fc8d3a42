const readMore =
  'A migration failed to apply. New migrations cannot be applied before the error is recovered from. Read more about how to resolve migration issues in a production database: https://pris.ly/d/migrate-resolve';

/** P3018 with the native engine's text, or null when no migration script failed. */
export function migrationFailure(failedScript) {
  if (failedScript === null) return null;
  const { migration, statement, error } = failedScript;
  const code = error.code ?? 'none';
  const databaseError =
    error.severity === undefined
      ? String(error.message)
      : `${error.severity}: ${error.message}${detailOf(error)}${positionOf(error, statement)}\n\n${debugOf(error)}`;
  return {
    error_code: 'P3018',
    message: `${readMore}\n\nMigration name: ${migration}\n\nDatabase error code: ${code}\n\nDatabase error:\n${databaseError}\n`,
    meta: { migration_name: migration, database_error_code: code, database_error: databaseError },
  };
}

/** Rust's Display of a database error. */
function detailOf(error) {
  return `${error.detail ? `\nDETAIL: ${error.detail}` : ''}${error.hint ? `\nHINT: ${error.hint}` : ''}`;
}

/** Rust's Debug of a database error: this is how row values get into logs. */
function debugOf(error) {
  const text = (value) => (value === undefined ? 'None' : `Some(${JSON.stringify(value)})`);
  const position = error.position === undefined ? 'None' : `Some(Original(${error.position}))`;
  return `DbError { severity: ${JSON.stringify(error.severity)}, parsed_severity: Some(Error), code: SqlState(E${error.code}), message: ${JSON.stringify(error.message)}, detail: ${text(error.detail)}, hint: ${text(error.hint)}, position: ${position}, where_: ${text(error.where)}, schema: ${text(error.schema)}, table: ${text(error.table)}, column: ${text(error.column)}, datatype: ${text(error.dataType)}, constraint: ${text(error.constraint)}, file: ${text(error.file)}, line: Some(${error.line ?? 0}), routine: ${text(error.routine)} }`;
}

/** The lines before the error and the line itself, numbered and highlighted as the native engine does. */
function positionOf(error, sent) {
  if (error.position === undefined) return '';
  const lines = sent.split('\n');
  let remaining = Number(error.position);
  let number = 0;
  for (const line of lines) {
    number += 1;
    if (remaining <= [...line].length + 1) break;
    remaining -= [...line].length + 1;
  }
  const before = [];
  for (let index = Math.max(0, number - 5); index < number; index += 1) {
    const text = index === 0 ? '' : (lines[index - 1] ?? '');
    before.push(`\u001b[1m${String(index).padStart(3)}\u001b[0m${text === '' ? '' : ` ${text}`}`);
  }
  return `\n\nPosition:\n${before.join('\n')}\n\u001b[1m${String(number).padStart(3)}\u001b[1;31m ${lines[number - 1]}\u001b[0m`;
}

/** Any other failure as the engine's user-facing error; connection errors get Prisma's codes. */
export function describeConnectionError(error, connection) {
  const { host, port, database, user } = connection;
  const code = error?.code ?? error?.cause?.code;
  const message = String(error?.message ?? error);
  if (code === '28P01') {
    return {
      error_code: 'P1000',
      message: `Authentication failed against database server, the provided database credentials for \`${user}\` are not valid.\n\nPlease make sure to provide valid database credentials for the database server at \`${host}\`.`,
    };
  }
  if (code === '3D000') return { error_code: 'P1003', message: `Database \`${database}\` does not exist` };
  if (code === '28000' || code === '42501') {
    return {
      error_code: 'P1010',
      message: `User \`${user}\` was denied access on the database \`${database}\``,
    };
  }
  if (
    code === 'ECONNREFUSED' ||
    code === 'ENOTFOUND' ||
    code === 'ENOENT' ||
    /timeout expired/.test(message)
  ) {
    return {
      error_code: 'P1001',
      message: `Can't reach database server at \`${host}:${port}\`\n\nPlease make sure your database server is running at \`${host}:${port}\`.`,
    };
  }
  // The WebAssembly engine throws its own user-facing errors with code and text.
  const known = /^P\d{4}$/.test(String(code)) ? String(code) : /\b(P\d{4})\b/.exec(message)?.[1];
  return { ...(known === undefined ? {} : { error_code: known }), message, meta: error?.meta ?? {} };
}
