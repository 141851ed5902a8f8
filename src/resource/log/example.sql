-- Entries of the log about customer 1, with secrets, and of persons who were deleted or are not there.
INSERT INTO action_logs (id, customer_id, staff_id, action, model, model_id, payload, created_at, updated_at) VALUES
  (101, 1, 1, 'settings_updated', 'App\Models\Admin\Setting', 'app_name', '{"password": "geheim", "ip": "::1"}', '2026-10-25 02:30:00', '2026-10-25 02:30:00'),
  (102, 999, 999, 'Été', NULL, '10', NULL, NULL, NULL),
  (103, 1, NULL, 'ete', 'App\Models\Store\Product', '2', '"no object"', '2026-03-29 02:30:00', '2026-11-20 10:00:00');
INSERT INTO action_log_entries (id, action_log_id, attribute, old_value, new_value) VALUES
  (101, 101, 'stripe_secret', 'old secret', 'new secret'),
  (102, 101, 'app_name', NULL, 'Neuf');
