-- Customer 1 has a running service, with an option and an upgrade.
UPDATE services SET customer_id = 1, status = 'active' WHERE id = 1;
INSERT INTO config_options_services (id, config_option_id, service_id) VALUES (1, 1, 1);
INSERT INTO upgrades (id, service_id, customer_id, old_product_id, new_product_id) VALUES (1, 1, 1, 1, 2);
