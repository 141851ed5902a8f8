CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT NOT NULL, author_id INTEGER NOT NULL);
INSERT INTO authors VALUES (1, 'Ursula K. Le Guin');
INSERT INTO books VALUES (1, 'The Dispossessed', 1), (2, 'The Lathe of Heaven', 1);
