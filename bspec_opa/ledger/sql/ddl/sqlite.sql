-- The ledger of bspec-opa in SQLite, version 3.37 or newer. bspec-opa makes it itself with the first entry.
-- Whoever can write the file can remove the triggers: they keep out mistakes. Signatures keep out the rest.

-- What is decided on is in leaf; the other columns say the same for people and queries, and are held against it.
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY CHECK (seq >= 0),
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    record TEXT NOT NULL UNIQUE CHECK (record GLOB 'sha256:*' AND length(record) = 71),
    agent TEXT NOT NULL,
    leaf BLOB NOT NULL CHECK (length(leaf) BETWEEN 1 AND 1049600)
) STRICT;

-- Complete nodes of the Merkle tree: all that proving reads.
CREATE TABLE nodes (
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 62),
    place INTEGER NOT NULL CHECK (place >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, place)
) STRICT, WITHOUT ROWID;

-- Signed tree heads. Of two writers on one size, one meets the primary key of entries: there is no fork. A further
-- edition of a head bears the cosignatures of witnesses, too. The frontier has the largest complete nodes that make up
-- the tree, from the left, 32 bytes for each bit of the size that is set: appending reads these instead of nodes.
CREATE TABLE checkpoints (
    size INTEGER NOT NULL CHECK (size >= 0),
    note BLOB NOT NULL CHECK (length(note) BETWEEN 1 AND 16384),
    frontier BLOB NOT NULL CHECK (length(frontier) % 32 = 0 AND length(frontier) <= 2016),
    edition INTEGER NOT NULL DEFAULT 0 CHECK (edition BETWEEN 0 AND 1000000),
    PRIMARY KEY (size, edition)
) STRICT;

CREATE TRIGGER entries_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is insert-only'); END;
CREATE TRIGGER entries_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is insert-only'); END;
CREATE TRIGGER nodes_update BEFORE UPDATE ON nodes BEGIN SELECT RAISE(ABORT, 'the ledger is insert-only'); END;
CREATE TRIGGER nodes_delete BEFORE DELETE ON nodes BEGIN SELECT RAISE(ABORT, 'the ledger is insert-only'); END;
CREATE TRIGGER checkpoints_update BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'the ledger is insert-only'); END;
CREATE TRIGGER checkpoints_delete BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'the ledger is insert-only'); END;

-- INSERT OR REPLACE removes the row that it meets without a trigger of DELETE.
CREATE TRIGGER entries_replace BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM entries WHERE seq = NEW.seq OR record = NEW.record)
BEGIN SELECT RAISE(ABORT, 'the ledger is insert-only'); END;
CREATE TRIGGER nodes_replace BEFORE INSERT ON nodes
WHEN EXISTS (SELECT 1 FROM nodes WHERE level = NEW.level AND place = NEW.place)
BEGIN SELECT RAISE(ABORT, 'the ledger is insert-only'); END;
CREATE TRIGGER checkpoints_replace BEFORE INSERT ON checkpoints
WHEN EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size AND edition = NEW.edition)
BEGIN SELECT RAISE(ABORT, 'the ledger is insert-only'); END;

-- Editions are counted without a gap, so that nobody takes the last one at once.
CREATE TRIGGER checkpoints_no_gap BEFORE INSERT ON checkpoints
WHEN NEW.edition > 0
AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size AND edition = NEW.edition - 1)
BEGIN SELECT RAISE(ABORT, 'an edition of a checkpoint does not follow one'); END;
