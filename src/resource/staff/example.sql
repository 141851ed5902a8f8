-- More members than a part of the list has: of the same name, without times, one with a value in each column.
INSERT INTO admins (id, username, password, email, firstname, lastname, avatar_path, last_login, last_login_ip, expires_at, signature, security_question_id, dark_mode, role_id, locale, created_at, updated_at) VALUES
  (201, 'Été', '!', 'staff0@example.org', 'Zoé', 'Nom 0', 'avatars/201.png', '2026-11-20 09:00:00', '198.51.100.7', '2030-01-01 00:00:00', 'Cordialement', 1, '0', '2', 'fr_FR', '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (202, 'ete', '!', 'staff1@example.org', 'Ana', 'Nom 1', NULL, NULL, NULL, NULL, NULL, NULL, '0', '2', 'fr_FR', NULL, NULL),
  (203, 'ETE', '!', 'staff2@example.org', 'Bob', 'Nom 2', NULL, NULL, NULL, NULL, NULL, NULL, '0', '2', 'fr_FR', '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (204, 'A b', '!', 'staff3@example.org', 'Éva', 'Nom 0', NULL, NULL, NULL, NULL, NULL, NULL, '0', '2', 'fr_FR', '2026-11-21 10:00:00', '2026-11-21 10:00:00'),
  (205, 'a_b', '!', 'staff0@example.org', 'eva', 'Nom 1', NULL, NULL, NULL, NULL, NULL, NULL, '0', '2', 'fr_FR', NULL, NULL),
  (206, '%', '!', 'staff1@example.org', 'Luc', 'Nom 2', NULL, NULL, NULL, NULL, NULL, NULL, '0', '2', 'fr_FR', '2026-11-21 10:00:00', '2026-11-21 10:00:00'),
  (207, 'œuf', '!', 'staff2@example.org', 'luc', 'Nom 0', NULL, NULL, NULL, NULL, NULL, NULL, '0', '2', 'fr_FR', '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (208, 'Été', '!', 'staff3@example.org', 'Max', 'Nom 1', NULL, NULL, NULL, NULL, NULL, NULL, '0', '2', 'fr_FR', NULL, NULL),
  (209, 'ete', '!', 'staff0@example.org', 'Ida', 'Nom 2', NULL, NULL, NULL, NULL, NULL, NULL, '0', '2', 'fr_FR', '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (210, 'x', '!', 'staff1@example.org', 'Y', 'Nom 0', NULL, NULL, NULL, NULL, NULL, NULL, '0', '2', 'fr_FR', '2026-11-21 10:00:00', '2026-11-21 10:00:00');
