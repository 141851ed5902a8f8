-- More reasons than a part of the list has, of every mode, of the same texts and without times.
INSERT INTO cancellation_reasons (id, reason, cancellation_mode, status, created_at, updated_at) VALUES
  (11, 'Été', 'support_ticket', 'unreferenced', '2026-10-25 02:30:00', '2026-10-25 02:30:00'),
  (12, 'ete', 'after_expiration', 'hidden', '2026-03-29 02:30:00', '2026-11-20 10:00:00'),
  (13, 'A b', 'immediate', 'active', NULL, NULL),
  (14, 'a_b', 'immediate', 'active', '2026-11-20 10:00:00', NULL),
  (15, '%', 'immediate', 'unreferenced', NULL, '2026-11-20 10:00:00');
