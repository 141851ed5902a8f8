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

-- Tickets with a value in each column: about a service of customer 1, and about an invoice.
INSERT INTO support_tickets (id, department_id, customer_id, subject, priority, status, related_type, related_id, staff_subscribers, closed_at, close_reason, closed_by, closed_by_id, assigned_to, uuid, first_response_due_at, resolution_due_at, first_response_at, sla_breached_notified_at, created_at, updated_at) VALUES
  (115, 1, 1, 'Tout', 'high', 'closed', 'service', 1, '[1, 2]', '2026-11-21 10:00:00', 'Fini', 'admin', 1, 1, '00000000-0000-4000-8000-000000000115', '2026-11-20 11:00:00', '2026-11-20 18:00:00', '2026-11-20 10:30:00', '2026-11-20 19:00:00', '2026-11-20 10:00:00', '2026-11-21 10:00:00'),
  (116, 1, 1, 'Facture', 'low', 'open', 'invoice', 1, NULL, NULL, NULL, NULL, NULL, NULL, '00000000-0000-4000-8000-000000000116', NULL, NULL, NULL, NULL, '2026-11-20 10:00:00', '2026-11-21 10:00:00');
-- What was said, noted and added in the first ticket.
INSERT INTO support_messages (id, ticket_id, customer_id, admin_id, message, read_at, edited_at, created_at, updated_at) VALUES
  (501, 1, 1, NULL, 'Question', '2026-11-20 10:10:00', '2026-11-20 10:05:00', '2026-11-20 10:00:00', '2026-11-20 10:05:00'),
  (502, 1, NULL, 1, 'Réponse', NULL, NULL, '2026-11-20 11:00:00', '2026-11-20 11:00:00');
INSERT INTO support_attachments (id, filename, path, mime, customer_id, admin_id, size, message_id, ticket_id, created_at, updated_at) VALUES
  (501, 'capture.png', 'helpdesk/attachments/1/aaaaaaaaaaaaaaaa.', 'image/png', 1, NULL, 1200, 501, 1, '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (502, 'devis.pdf', 'helpdesk/attachments/1/bbbbbbbbbbbbbbbb.', 'application/pdf', NULL, 1, 3400, 502, 1, '2026-11-20 11:00:00', '2026-11-20 11:00:00'),
  (503, 'capture.png', 'helpdesk/attachments/1/cccccccccccccccc.', 'image/png', NULL, NULL, 1200, NULL, 1, NULL, NULL);
INSERT INTO support_comments (id, ticket_id, admin_id, comment, created_at, updated_at) VALUES
  (501, 1, 1, 'Urgent', '2026-11-20 10:00:00', '2026-11-20 10:00:00'),
  (502, 1, 2, 'Urgent', '2026-11-20 10:00:00', NULL),
  (503, 1, 1, 'Client appelé', NULL, NULL);
