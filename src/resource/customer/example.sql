-- A picture, whose file is not there.
UPDATE customers SET avatar_path = 'avatars/1.png' WHERE id = 1;
