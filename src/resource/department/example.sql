-- More departments than a part of the list has, some of the same name and without times.
INSERT INTO support_departments (id, name, description, icon, sla_first_response_minutes, staff_subscribers, created_at, updated_at) VALUES
  (11, 'Été', 'Accents', 'bi bi-sun', 60, '[1, 2]', '2026-10-25 02:30:00', '2026-10-25 02:30:00'),
  (12, 'ete', NULL, NULL, NULL, NULL, '2026-03-29 02:30:00', '2026-11-20 10:00:00'),
  (13, 'ETE', 'Lettres', 'bi bi-type', 0, '[]', '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (14, 'Technique', 'Encore', 'bi bi-tools', 30, NULL, NULL, NULL),
  (15, 'A b', 'Espaces', 'bi bi-dash', NULL, NULL, '2026-11-20 10:00:00', NULL),
  (16, 'a_b', 'Soulignement', 'bi bi-dash', NULL, NULL, '2026-11-21 10:00:00', '2026-11-20 10:00:00');
