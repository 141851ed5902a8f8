-- A picture, whose file is not there.
UPDATE "groups" SET image = 'groups/1.png' WHERE id = 1;
