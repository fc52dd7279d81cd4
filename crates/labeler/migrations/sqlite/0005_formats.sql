-- More layouts than one, and classes that are declared and have no item: which layouts there are is checked when a row is read.
ALTER TABLE datasets ADD COLUMN layout TEXT NOT NULL DEFAULT 'imagefolder';
ALTER TABLE datasets DROP COLUMN format;
ALTER TABLE datasets RENAME COLUMN layout TO format;

ALTER TABLE classes ADD COLUMN items INTEGER NOT NULL DEFAULT 0 CHECK (items >= 0);
UPDATE classes SET items = item_count;
ALTER TABLE classes DROP COLUMN item_count;
ALTER TABLE classes RENAME COLUMN items TO item_count;
