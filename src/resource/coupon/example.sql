-- More coupons than a part of the list has: with limits and without, for a customer, of the same dates.
INSERT INTO coupons (id, code, type, applied_month, free_setup, start_at, end_at, first_order_only, max_uses, usages, customer_id, products_required, is_global, minimum_order_amount, created_at, updated_at) VALUES
  (11, 'ÉTÉ', 'percent', 0, TRUE, '2026-10-25 02:30:00', NULL, FALSE, 10, 1, 1, '[1, 2]', FALSE, 0.1, '2026-10-25 02:30:00', NULL),
  (12, 'ete-2', 'fixed', -1, FALSE, NULL, '2027-01-01 00:00:00', TRUE, 0, 0, NULL, '[]', TRUE, 2.99, NULL, NULL),
  (13, 'A b', 'fixed', 3, FALSE, '2026-03-29 02:30:00', '2027-01-01 00:00:00', FALSE, 10, 1, 2, '[]', FALSE, 0, NULL, '2026-11-20 10:00:00'),
  (14, 'a_b', 'percent', 1, FALSE, NULL, NULL, FALSE, 5, 0, NULL, '[]', TRUE, 0, '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (15, '%', 'percent', 1, FALSE, NULL, NULL, FALSE, 5, 2, NULL, '[]', TRUE, 0, '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (16, 'œuf', 'fixed', 1, FALSE, NULL, NULL, FALSE, 5, 2, 1, '[]', FALSE, 16777217, '2026-11-21 10:00:00', '2026-11-20 10:00:00');
