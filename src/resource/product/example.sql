-- A picture, whose file is not there.
UPDATE products SET image = 'products/1.png' WHERE id = 1;
