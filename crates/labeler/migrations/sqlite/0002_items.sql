-- What a dataset is to people, and its items: which images it has, what they show, what they are for.
ALTER TABLE datasets ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE datasets ADD COLUMN file_count INTEGER NOT NULL DEFAULT 0;

-- `split` is empty for an item of no split.
CREATE TABLE items (
    dataset INTEGER NOT NULL REFERENCES datasets (number) ON DELETE CASCADE,
    path    TEXT NOT NULL,
    split   TEXT NOT NULL DEFAULT '' CHECK (split IN ('', 'train', 'validation', 'test')),
    PRIMARY KEY (dataset, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_by_split ON items (dataset, split, path);

CREATE TABLE item_classes (
    dataset INTEGER NOT NULL,
    path    TEXT NOT NULL,
    class   TEXT NOT NULL,
    PRIMARY KEY (dataset, path, class),
    FOREIGN KEY (dataset, path) REFERENCES items (dataset, path) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX item_classes_by_class ON item_classes (dataset, class, path);
