-- Customer 1 has paid an invoice.
UPDATE invoices SET customer_id = 1, status = 'paid' WHERE id = 2;
