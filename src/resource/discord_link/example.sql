-- Customer 1 is linked to a Discord account.
INSERT INTO metadata (model_id, model_type, "key", value) VALUES (1, 'App\Models\Account\Customer', 'social_discord', '1');
