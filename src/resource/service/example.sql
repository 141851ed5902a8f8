-- Customer 1 has a running service, with an option and an upgrade.
UPDATE services SET customer_id = 1, status = 'active' WHERE id = 1;
INSERT INTO config_options_services (id, config_option_id, service_id) VALUES (1, 1, 1);
INSERT INTO upgrades (id, service_id, customer_id, old_product_id, new_product_id) VALUES (1, 1, 1, 1, 2);
-- More services than a part of a customer's or a product's list has: of the same name and end, hidden, without product, one deleted.
INSERT INTO services (id, customer_id, uuid, name, type, product_id, status, expires_at, created_at, deleted_at) VALUES
  (101, 1, '00000000-0000-0000-0000-000000000101', 'Été', 'none', 1, 'active', NULL, '2026-11-20 10:00:00', NULL),
  (102, 2, '00000000-0000-0000-0000-000000000102', 'ete', 'domain', 2, 'suspended', '2026-12-01 10:00:00', NULL, NULL),
  (103, 1, '00000000-0000-0000-0000-000000000103', 'A b', 'none', NULL, 'hidden', '2026-10-25 02:30:00', '2026-11-20 10:00:00', NULL),
  (104, 1, '00000000-0000-0000-0000-000000000104', 'a_b', 'domain', 1, 'pending', NULL, NULL, NULL),
  (105, 2, '00000000-0000-0000-0000-000000000105', '%', 'none', 1, 'active', '2026-12-01 10:00:00', '2026-11-20 10:00:00', NULL),
  (106, 1, '00000000-0000-0000-0000-000000000106', 'œuf', 'domain', 2, 'active', '2026-10-25 02:30:00', NULL, NULL),
  (107, 1, '00000000-0000-0000-0000-000000000107', 'Été', 'none', NULL, 'suspended', NULL, '2026-11-20 10:00:00', NULL),
  (108, 2, '00000000-0000-0000-0000-000000000108', 'ete', 'domain', 1, 'hidden', '2026-12-01 10:00:00', NULL, NULL),
  (109, 1, '00000000-0000-0000-0000-000000000109', 'A b', 'none', 1, 'pending', '2026-10-25 02:30:00', '2026-11-20 10:00:00', NULL),
  (110, 1, '00000000-0000-0000-0000-000000000110', 'a_b', 'domain', 2, 'active', NULL, NULL, NULL),
  (111, 2, '00000000-0000-0000-0000-000000000111', '%', 'none', NULL, 'active', '2026-12-01 10:00:00', '2026-11-20 10:00:00', NULL),
  (112, 1, '00000000-0000-0000-0000-000000000112', 'œuf', 'domain', 1, 'suspended', '2026-10-25 02:30:00', NULL, '2026-11-21 10:00:00');
