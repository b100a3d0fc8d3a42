/** Migrations of a small ERP, as Prisma writes them: what the end-to-end tests start from. */
export const erpMigrations = {
  '20260101000000_init': `-- CreateEnum
CREATE TYPE "InvoiceStatus" AS ENUM ('DRAFT', 'SENT', 'PAID');

-- CreateTable
CREATE TABLE "Customer" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT,
    "t" JSONB NOT NULL DEFAULT '{}',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Customer_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Invoice" (
    "id" SERIAL NOT NULL,
    "customerId" INTEGER NOT NULL,
    "status" "InvoiceStatus" NOT NULL DEFAULT 'DRAFT',
    "total" DECIMAL(10,2) NOT NULL,

    CONSTRAINT "Invoice_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "Customer_email_key" ON "Customer"("email");

-- AddForeignKey
ALTER TABLE "Invoice" ADD CONSTRAINT "Invoice_customerId_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
`,
  '20260102000000_add_notes': `-- CreateTable
CREATE TABLE "Note" (
    "id" SERIAL NOT NULL,
    "text" TEXT NOT NULL,

    CONSTRAINT "Note_pkey" PRIMARY KEY ("id")
);
`,
} as const;

export const erpRows = `
INSERT INTO "Customer" ("name", "email", "t") SELECT 'Customer ' || n, CASE WHEN n % 7 > 0 THEN 'c' || n || '@example.com' END, jsonb_build_object('n', n) FROM generate_series(1, 2000) n;
INSERT INTO "Invoice" ("customerId", "status", "total") SELECT 1 + n % 2000, 'SENT', n * 1.25 FROM generate_series(1, 6000) n;
INSERT INTO "Note" ("text") SELECT 'note ' || n FROM generate_series(1, 50) n;
ANALYZE;
`;

/** A migration that succeeds. */
export const addQuotations = `-- CreateTable
CREATE TABLE "Quotation" (
    "id" SERIAL NOT NULL,
    "customerId" INTEGER NOT NULL,
    "title" TEXT NOT NULL,

    CONSTRAINT "Quotation_pkey" PRIMARY KEY ("id")
);

-- AddForeignKey
ALTER TABLE "Quotation" ADD CONSTRAINT "Quotation_customerId_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
`;

/**
 * Fails in its last statement, after a new enum, a new table, a foreign key to an old table and changed rows.
 * Line 22 of the script is the one that fails.
 */
export const splitNameFails = `-- CreateEnum
CREATE TYPE "Salutation" AS ENUM ('MS', 'MR', 'NONE');

-- CreateTable
CREATE TABLE "Contact" (
    "id" SERIAL NOT NULL,
    "customerId" INTEGER NOT NULL,
    "salutation" "Salutation" NOT NULL DEFAULT 'NONE',

    CONSTRAINT "Contact_pkey" PRIMARY KEY ("id")
);

-- AddForeignKey
ALTER TABLE "Contact" ADD CONSTRAINT "Contact_customerId_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Data
ALTER TYPE "InvoiceStatus" ADD VALUE 'VOID';
ALTER TABLE "Customer" ADD COLUMN "first" TEXT;
UPDATE "Customer" SET "name" = upper("name"), "first" = split_part("name", ' ', 1) WHERE "id" % 2 = 0;

-- AlterTable
ALTER TABLE "Customer" ALTER COLUMN "first" SET NOT NULL;
`;
