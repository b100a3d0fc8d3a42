import type { Work } from './writers.ts';

/** Invoices that one `insert` of the works below writes beside its customer. */
export const invoicesPerInsert = 2;

/** A new customer with invoices, SERIAL keys on both; the token is the customer's name. Nothing is ever changed. */
export const insertsOnly: Work = ({ token }) => ({
  kind: 'insert',
  sql: `WITH customer AS (INSERT INTO "Customer" ("name") VALUES ('${token}') RETURNING "id")
        INSERT INTO "Invoice" ("customerId", "total")
        SELECT customer."id", 7 FROM customer, generate_series(1, ${invoicesPerInsert})`,
});

/**
 * What an application does all day: half new customers, a quarter changes of old ones, a quarter deleted invoices. The
 * clients share the old rows out between them, so that none of them waits for another.
 */
export const everydayWork: Work = (transaction) => {
  const { token, client, number } = transaction;
  // Both within what erpRows holds, with 30 clients.
  const turn = Math.floor(number / 4);
  switch (number % 4) {
    case 1:
      return {
        kind: 'update',
        sql: `UPDATE "Customer" SET "t" = '{"by": "${token}"}' WHERE "id" = ${1 + client + 30 * (turn % 60)}`,
      };
    case 3:
      return { kind: 'delete', sql: `DELETE FROM "Invoice" WHERE "id" = ${1 + client + 30 * turn}` };
    default:
      return insertsOnly(transaction);
  }
};
