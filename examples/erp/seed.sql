-- About 200 000 rows of a small company's books, the same on every machine: values follow from the row's number.

INSERT INTO "User" ("email", "name", "role", "createdAt")
SELECT
  format('user%s@applizor.example', n),
  format('%s %s', (ARRAY['Asha', 'Ravi', 'Meera', 'Jonas', 'Lena', 'Omar'])[1 + n % 6], (ARRAY['Iyer', 'Novak', 'Brandt', 'Silva'])[1 + n % 4]),
  (ARRAY['SALES', 'ACCOUNTING', 'ADMIN'])[1 + n % 3]::"Role",
  TIMESTAMP '2024-01-01' + n * INTERVAL '7 hours'
FROM generate_series(1, 200) AS n;

-- Every fortieth customer is a company whose name is one word.
INSERT INTO "Customer" ("name", "email", "taxNumber", "address", "tags", "createdAt")
SELECT
  CASE
    WHEN n % 40 = 0 THEN format('%sworks', initcap(substr(md5(n::text), 1, 6)))
    ELSE format('%s %s', (ARRAY['Anna', 'Bela', 'Chandra', 'Dilip', 'Emma', 'Farid', 'Gita', 'Hugo'])[1 + n % 8], initcap(substr(md5(n::text), 1, 7)))
  END,
  format('Customer%s@Example.com', n),
  CASE WHEN n % 40 = 0 THEN format('DE%s', 100000000 + n) END,
  jsonb_build_object('street', format('Lane %s', n % 977), 'city', (ARRAY['Pune', 'Jaipur', 'Hamburg', 'Porto'])[1 + n % 4], 'zip', 10000 + n % 80000),
  CASE WHEN n % 5 = 0 THEN ARRAY['key account', format('region %s', n % 9)] ELSE ARRAY[]::text[] END,
  TIMESTAMP '2024-01-01' + n * INTERVAL '23 minutes'
FROM generate_series(1, 20000) AS n;

INSERT INTO "Quotation" ("number", "customerId", "authorId", "status", "validUntil", "notes", "createdAt")
SELECT
  format('Q-%s', lpad(n::text, 6, '0')),
  1 + (n * 7919) % 20000,
  1 + n % 200,
  (ARRAY['DRAFT', 'SENT', 'ACCEPTED', 'ACCEPTED', 'DECLINED'])[1 + n % 5]::"QuotationStatus",
  DATE '2024-02-01' + n % 700,
  CASE WHEN n % 3 = 0 THEN format('Delivery in %s weeks, then as agreed.', 1 + n % 11) END,
  TIMESTAMP '2024-01-05' + n * INTERVAL '19 minutes'
FROM generate_series(1, 40000) AS n;

INSERT INTO "QuotationItem" ("quotationId", "position", "description", "quantity", "unitPrice")
SELECT
  1 + (n - 1) % 40000,
  1 + (n - 1) / 40000,
  format('%s %s', (ARRAY['Licence', 'Consulting', 'Support', 'Training', 'Hosting'])[1 + n % 5], substr(md5(n::text), 1, 10)),
  (1 + n % 40) / 4.0,
  49 + (n * 37) % 5000 / 10.0
FROM generate_series(1, 95000) AS n;

INSERT INTO "Invoice" ("number", "customerId", "quotationId", "status", "total", "issuedAt", "dueAt")
SELECT
  format('R-%s', lpad(n::text, 6, '0')),
  1 + (n * 7919) % 20000,
  CASE WHEN n % 10 < 8 THEN n END,
  (ARRAY['OPEN', 'PAID', 'PAID', 'PAID', 'CANCELLED'])[1 + n % 5]::"InvoiceStatus",
  100 + (n * 131) % 900000 / 100.0,
  TIMESTAMP '2024-02-01' + n * INTERVAL '31 minutes',
  DATE '2024-03-01' + n % 690
FROM generate_series(1, 25000) AS n;

INSERT INTO "Payment" ("invoiceId", "method", "amount", "receivedAt")
SELECT
  n,
  (ARRAY['TRANSFER', 'TRANSFER', 'CARD', 'CASH'])[1 + n % 4]::"PaymentMethod",
  100 + (n * 131) % 900000 / 100.0,
  TIMESTAMP '2024-02-15' + n * INTERVAL '31 minutes'
FROM generate_series(1, 20000) AS n;

ANALYZE;
