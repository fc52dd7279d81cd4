-- More layouts than one, and classes that are declared and have no item: which layouts there are is checked when a row is read.
ALTER TABLE datasets DROP CONSTRAINT datasets_format_check;

ALTER TABLE classes DROP CONSTRAINT classes_item_count_check;
ALTER TABLE classes ADD CONSTRAINT classes_item_count_check CHECK (item_count >= 0);
