-- More coupons than a part of the list has: with limits and without, for a customer, of the same dates.
INSERT INTO coupons (id, code, type, applied_month, free_setup, start_at, end_at, first_order_only, max_uses, usages, customer_id, products_required, is_global, minimum_order_amount, created_at, updated_at) VALUES
  (11, 'ÉTÉ', 'percent', 0, TRUE, '2026-10-25 02:30:00', NULL, FALSE, 10, 1, 1, '[1, 2]', FALSE, 0.1, '2026-10-25 02:30:00', NULL),
  (12, 'ete-2', 'fixed', -1, FALSE, NULL, '2027-01-01 00:00:00', TRUE, 0, 0, NULL, '[]', TRUE, 2.99, NULL, NULL),
  (13, 'A b', 'fixed', 3, FALSE, '2026-03-29 02:30:00', '2027-01-01 00:00:00', FALSE, 10, 1, 2, '[]', FALSE, 0, NULL, '2026-11-20 10:00:00'),
  (14, 'a_b', 'percent', 1, FALSE, NULL, NULL, FALSE, 5, 0, NULL, '[]', TRUE, 0, '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (15, '%', 'percent', 1, FALSE, NULL, NULL, FALSE, 5, 2, NULL, '[]', TRUE, 0, '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (16, 'œuf', 'fixed', 1, FALSE, NULL, NULL, FALSE, 5, 2, 1, '[]', FALSE, 16777217, '2026-11-21 10:00:00', '2026-11-20 10:00:00');
-- Products that coupon 11 is for, and paid invoices with coupons 1 and 11.
INSERT INTO coupon_products (id, coupon_id, product_id) VALUES (101, 11, 3), (102, 11, 1), (103, 11, 2), (104, 11, 5), (105, 11, 4);
INSERT INTO coupon_usages (id, coupon_id, customer_id, used_at, amount, created_at, updated_at) VALUES
  (101, 1, 1, '2026-11-10 10:00:00', 0.1, NULL, '2026-11-20 10:00:00'),
  (102, 11, 2, '2026-11-11 10:00:00', 2.99, NULL, '2026-11-20 10:00:00'),
  (103, 1, NULL, '2026-11-10 10:00:00', 0.1, NULL, '2026-11-20 10:00:00'),
  (104, 11, 1, '2026-11-12 10:00:00', 0.1, NULL, '2026-11-20 10:00:00'),
  (105, 1, 2, '2026-11-10 10:00:00', 2.99, NULL, '2026-11-20 10:00:00'),
  (106, 11, NULL, '2026-11-11 10:00:00', 0.1, NULL, '2026-11-20 10:00:00'),
  (107, 1, 1, '2026-11-10 10:00:00', 0.1, NULL, '2026-11-20 10:00:00');
