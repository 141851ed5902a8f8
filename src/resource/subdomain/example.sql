-- More hosts than a part of the list has, with lists and without, and of times that clocks skip or repeat.
INSERT INTO subdomains_hosts (id, domain, products, "groups", created_at, updated_at) VALUES
  (11, 'Été.example.com', '[1, 2]', NULL, '2026-10-25 02:30:00', '2026-10-25 02:30:00'),
  (12, 'ete.example.org', NULL, '[1]', '2026-03-29 02:30:00', '2026-11-20 10:00:00'),
  (13, 'a b.example.com', '[]', '[]', NULL, NULL),
  (14, 'a_b.example.com', '[1, 2]', '[1]', '2026-11-20 10:00:00', NULL),
  (15, '%.example.com', '[10]', '[]', NULL, '2026-11-20 10:00:00'),
  (16, '.dot.example.com', '[]', '[2]', '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (17, 'z.example.com', '[3]', '[3]', '2026-11-21 10:00:00', '2026-11-20 10:00:00'),
  (18, 'y.example.com', '[3]', NULL, '2026-11-21 10:00:00', '2026-11-20 10:00:00'),
  (19, 'x.example.com', NULL, NULL, '2026-11-21 10:00:00', '2026-11-20 10:00:00');
