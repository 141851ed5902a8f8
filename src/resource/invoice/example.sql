-- Customer 1 has paid an invoice.
UPDATE invoices SET customer_id = 1, status = 'paid' WHERE id = 2;
-- More invoices than a part of the list has, of two customers and of none: without number, of the same day and amount, below nothing.
INSERT INTO invoices (id, uuid, due_date, customer_id, total, balance, subtotal, tax, setupfees, currency, status, paid_at, notes, paymethod, fees, invoice_number, created_at, updated_at, deleted_at) VALUES
  (101, '00000000-0000-0000-0000-000000000101', '2026-12-01', 1, 12.5, 0, 0, 0, 0, 'EUR', 'pending', NULL, '', 'balance', 0, 'F-é0', NULL, NULL, NULL),
  (102, '00000000-0000-0000-0000-000000000102', '2026-11-23', 1, 0.1, 0, 0, 0, 0, 'USD', 'paid', '2026-11-20 10:00:00', '', 'balance', 0, 'F-e1', '2026-10-25 02:30:00', '2026-10-25 02:30:00', NULL),
  (103, '00000000-0000-0000-0000-000000000103', '2026-11-22', 1, 12.5, 0, 0, 0, 0, 'EUR', 'draft', NULL, '', 'balance', 0, NULL, '2026-03-29 02:30:00', '2026-03-29 02:30:00', NULL),
  (104, '00000000-0000-0000-0000-000000000104', '2027-01-05', 2, 16777217, 0, 0, 0, 0, 'USD', 'cancelled', NULL, '', 'balance', 0, 'F_13', NULL, NULL, NULL),
  (105, '00000000-0000-0000-0000-000000000105', '2026-12-01', 1, -3, 0, 0, 0, 0, 'EUR', 'refunded', NULL, '', 'balance', 0, 'F%4', '2026-10-25 02:30:00', '2026-10-25 02:30:00', NULL),
  (106, '00000000-0000-0000-0000-000000000106', '2026-11-23', NULL, 0, 0, 0, 0, 0, 'USD', 'failed', NULL, '', 'balance', 0, 'f 15', '2026-03-29 02:30:00', '2026-03-29 02:30:00', NULL),
  (107, '00000000-0000-0000-0000-000000000107', '2026-11-22', 1, 12.5, 0, 0, 0, 0, 'EUR', 'pending', NULL, '', 'balance', 0, NULL, NULL, NULL, NULL),
  (108, '00000000-0000-0000-0000-000000000108', '2027-01-05', 1, 0.1, 0, 0, 0, 0, 'USD', 'paid', '2026-11-20 10:00:00', '', 'balance', 0, 'F-e7', '2026-10-25 02:30:00', '2026-10-25 02:30:00', NULL),
  (109, '00000000-0000-0000-0000-000000000109', '2026-12-01', 1, 12.5, 0, 0, 0, 0, 'EUR', 'draft', NULL, '', 'balance', 0, 'f-E8', '2026-03-29 02:30:00', '2026-03-29 02:30:00', NULL),
  (110, '00000000-0000-0000-0000-000000000110', '2026-11-23', 2, 16777217, 0, 0, 0, 0, 'USD', 'cancelled', NULL, '', 'balance', 0, 'F_19', NULL, NULL, NULL),
  (111, '00000000-0000-0000-0000-000000000111', '2026-11-22', 1, -3, 0, 0, 0, 0, 'EUR', 'refunded', NULL, '', 'balance', 0, NULL, '2026-10-25 02:30:00', '2026-10-25 02:30:00', NULL),
  (112, '00000000-0000-0000-0000-000000000112', '2027-01-05', NULL, 0, 0, 0, 0, 0, 'USD', 'failed', NULL, '', 'balance', 0, 'f 111', '2026-03-29 02:30:00', '2026-03-29 02:30:00', '2026-11-21 10:00:00');
