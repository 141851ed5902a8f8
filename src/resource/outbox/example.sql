-- A mail that was given up.
INSERT INTO guichet_outbox (message_id, kind, record, event, mail_id, target, body, created_at, state, attempts, due_at, gives_up_at, lease, leased_until, error) VALUES ('msg_1', 'mail', 'customer:1', 'reset', 1, '', '', 1795435200000, 'given_up', 1, 1795435200000, 1795521600000, '', 0, 'no');
