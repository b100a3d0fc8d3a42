import { kind } from './kind.ts';
import { isNoMember, type Place } from './place.ts';

const triggerFunction = "p.prorettype = 'trigger'::regtype";

const trigger = (name: string, when: string, rest: (place: Place) => string, more = {}) =>
  kind(`trigger ${name}`, async (p: Place) => `CREATE TRIGGER ${p.name('tr')} ${when} ON ${await p.table()} ${rest(p)} EXECUTE FUNCTION ${await p.callable(triggerFunction)}('arg', 'it''s')`, more);

async function existing(p: Place): Promise<[table: string, trigger: string]> {
  return JSON.parse(
    await p.one(`SELECT json_build_array(format('%I.%I', n.nspname, c.relname), format('%I', tgname))::text FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT tgisinternal AND tgparentid = 0 AND c.relkind = 'r' AND n.nspname !~ '^pg_' AND pg_has_role(c.relowner, 'USAGE') AND ${isNoMember('c')}`),
  );
}

export const triggerKinds = [
  trigger('before each row', 'BEFORE INSERT OR UPDATE', () => 'FOR EACH ROW'),
  trigger('after statements', 'AFTER TRUNCATE OR DELETE', () => 'FOR EACH STATEMENT'),
  trigger('with a condition', 'AFTER UPDATE', () => 'FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)'),
  trigger('with transition tables', 'AFTER UPDATE', () => 'REFERENCING OLD TABLE AS before_rows NEW TABLE AS "After Rows"'),
  kind('trigger of columns', async (p) => {
    const { table, name } = await p.column('.', "c.relkind = 'r'");
    return `CREATE TRIGGER ${p.name('tr')} BEFORE UPDATE OF ${name} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${await p.callable(triggerFunction)}()`;
  }),
  kind(
    'constraint trigger',
    async (p) =>
      `CREATE CONSTRAINT TRIGGER ${p.name('tr')} AFTER INSERT ON ${await p.table()} FROM ${await p.table()} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ${await p.callable(triggerFunction)}()`,
  ),
  kind('trigger instead', async (p) => `CREATE TRIGGER ${p.name('tr')} INSTEAD OF INSERT ON ${await p.relation('v')} FOR EACH ROW EXECUTE FUNCTION ${await p.callable(triggerFunction)}()`),
  kind('trigger disabled', async (p) => {
    const [table, name] = await existing(p);
    return `ALTER TABLE ${table} DISABLE TRIGGER ${name}`;
  }),
  kind('trigger in replicas', async (p) => {
    const [table, name] = await existing(p);
    return `ALTER TABLE ${table} ENABLE REPLICA TRIGGER ${name}`;
  }),
  kind('trigger always', async (p) => {
    const [table, name] = await existing(p);
    return `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${name}`;
  }),
  kind('renamed trigger', async (p) => {
    const [table, name] = await existing(p);
    return `ALTER TRIGGER ${name} ON ${table} RENAME TO ${p.name('tr')}`;
  }),
  kind(
    'event trigger',
    async (p) => {
      const f = await p.fresh('ev');
      const name = p.name('et');
      return `CREATE FUNCTION ${f}() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER ${name} ON ${p.pick(['ddl_command_end', 'sql_drop'])} WHEN TAG IN ('DROP TABLE', 'CREATE VIEW') EXECUTE FUNCTION ${f}(); ALTER EVENT TRIGGER ${name} ${p.pick(['ENABLE', 'DISABLE', 'ENABLE ALWAYS', 'ENABLE REPLICA'])}`;
    },
    { by: 'superuser' },
  ),
  kind(
    "a superuser's event trigger",
    async (p) => {
      const f = await p.fresh('ev');
      return `CREATE FUNCTION ${f}() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER ${p.name('et')} ON ddl_command_end EXECUTE FUNCTION ${f}()`;
    },
    { foreign: true },
  ),
  kind('row security', async (p) => `ALTER TABLE ${await p.table()} ENABLE ROW LEVEL SECURITY`),
  kind('policy', async (p) => {
    const { table, name } = await p.column('^text$');
    return `CREATE POLICY ${p.name('po')} ON ${table} AS ${p.pick(['PERMISSIVE', 'RESTRICTIVE'])} FOR ${p.pick(['ALL', 'UPDATE'])} TO ${p.grantee()} USING (${name} IN ('a', 'b') OR ${name} = current_user) WITH CHECK (${name} <> '')`;
  }),
  kind('policy for reading', async (p) => `CREATE POLICY ${p.name('po')} ON ${await p.table()} FOR ${p.pick(['SELECT', 'DELETE'])} USING (true)`),
  kind('policy for inserts', async (p) => `CREATE POLICY ${p.name('po')} ON ${await p.table()} FOR INSERT TO ${p.grantee()}, ${p.roles[2]} WITH CHECK (false)`),
  kind('forced row security', async (p) => `ALTER TABLE ${await p.table()} FORCE ROW LEVEL SECURITY`, {
    by: 'superuser',
  }),
] as const;
