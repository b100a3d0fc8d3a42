/** The history as Prisma makes it, with one migration applied. */
export const seedHistory = `
CREATE TABLE "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0);
INSERT INTO "_prisma_migrations" VALUES ('00000000-0000-0000-0000-000000000001', repeat('a', 64), '2026-01-01', '20260101_init', NULL, NULL, '2026-01-01', 1);
`;

/** One of everything that the scripts play with. `friend`: a role that the owner is a member of. */
export function seedSql(friend: string): string {
  return `
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL, mood mood DEFAULT 'good', balance int CHECK (balance >= 0));
CREATE TABLE invoice (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customer DEFERRABLE INITIALLY DEFERRED, total numeric NOT NULL);
CREATE TABLE note (id int, body text);
CREATE TABLE parted (id int, day date) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE audit (at timestamptz DEFAULT '2026-01-01', what text);
CREATE SEQUENCE ticket START 1000;
CREATE VIEW rich AS SELECT id, name FROM customer WHERE balance > 50;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(total) AS total FROM invoice GROUP BY 1;
CREATE INDEX by_name ON customer (name);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.audit (what) VALUES (TG_TABLE_NAME); RETURN NEW; END';
CREATE TRIGGER touched AFTER UPDATE ON note FOR EACH STATEMENT EXECUTE FUNCTION touch();
CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.note; RETURN 1; END';
INSERT INTO customer (name, balance) SELECT 'customer ' || g, g FROM generate_series(1, 60) g;
INSERT INTO invoice (customer_id, total) SELECT g, g * 10 FROM generate_series(1, 60) g;
INSERT INTO note SELECT g, 'note ' || g FROM generate_series(1, 40) g;
INSERT INTO parted SELECT g, '2026-01-01' FROM generate_series(0, 50) g;
SELECT nextval('ticket'), lo_from_bytea(4711, 'abc');
REFRESH MATERIALIZED VIEW totals;
GRANT CREATE, USAGE ON SCHEMA public TO "${friend}";
GRANT ALL ON ALL TABLES IN SCHEMA public TO "${friend}";
`;
}
