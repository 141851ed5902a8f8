-- More tickets than a part of the list has, in two departments: of the same title, without customer and times, one deleted.
INSERT INTO support_tickets (id, department_id, customer_id, subject, priority, status, closed_at, created_at, updated_at, deleted_at) VALUES
  (101, 1, 1, 'Été', 'low', 'open', NULL, NULL, NULL, NULL),
  (102, 2, 2, 'ete', 'high', 'closed', '2026-11-21 10:00:00', '2026-10-25 02:30:00', '2026-11-20 10:00:00', NULL),
  (103, 1, NULL, 'A b', 'medium', 'answered', NULL, '2026-03-29 02:30:00', NULL, NULL),
  (104, 1, 1, 'a_b', 'low', 'open', NULL, NULL, '2026-11-20 10:00:00', NULL),
  (105, 2, 2, '%', 'high', 'open', NULL, '2026-10-25 02:30:00', NULL, NULL),
  (106, 1, NULL, 'œuf', 'medium', 'closed', '2026-11-21 10:00:00', '2026-03-29 02:30:00', '2026-11-20 10:00:00', NULL),
  (107, 1, 1, 'ETE', 'low', 'answered', NULL, NULL, NULL, NULL),
  (108, 2, 2, 'Été', 'high', 'open', NULL, '2026-10-25 02:30:00', '2026-11-20 10:00:00', NULL),
  (109, 1, NULL, 'ete', 'medium', 'open', NULL, '2026-03-29 02:30:00', NULL, NULL),
  (110, 1, 1, 'A b', 'low', 'closed', '2026-11-21 10:00:00', NULL, '2026-11-20 10:00:00', NULL),
  (111, 2, 2, 'a_b', 'high', 'answered', NULL, '2026-10-25 02:30:00', NULL, NULL),
  (112, 1, NULL, '%', 'medium', 'open', NULL, '2026-03-29 02:30:00', '2026-11-20 10:00:00', NULL),
  (113, 1, 1, 'œuf', 'low', 'open', NULL, NULL, NULL, NULL),
  (114, 2, 2, 'ETE', 'high', 'closed', '2026-11-21 10:00:00', '2026-10-25 02:30:00', '2026-11-20 10:00:00', '2026-11-22 10:00:00');
