-- The ledger of bspec-opa in PostgreSQL. Run it once, as the role that is to own the ledger: it may not be one that
-- a gate uses. Nobody else can change or remove a row; not even the owner can by mistake.
--
-- A gate's user:    GRANT bspec_ledger_writer TO gate_user;
-- A reader's user:  GRANT bspec_ledger_reader TO auditor;
--
-- Roles belong to the whole server. Where the owner may not make roles, make these two before.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['bspec_ledger_writer', 'bspec_ledger_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA bspec_ledger;

-- What is decided on is in leaf; the other columns say the same for people and queries, and are held against it.
CREATE TABLE bspec_ledger.entries (
    seq bigint PRIMARY KEY CHECK (seq >= 0),
    at bigint NOT NULL,
    kind text NOT NULL,
    record text NOT NULL UNIQUE CHECK (record ~ '^sha256:[0-9a-f]{64}$'),
    agent text NOT NULL,
    leaf bytea NOT NULL CHECK (octet_length(leaf) BETWEEN 1 AND 1049600)
);

-- Complete nodes of the Merkle tree: all that proving reads.
CREATE TABLE bspec_ledger.nodes (
    level integer NOT NULL CHECK (level BETWEEN 0 AND 62),
    place bigint NOT NULL CHECK (place >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, place)
);

-- Signed tree heads. Of two writers on one size, one meets the primary key of entries: there is no fork. A further
-- edition of a head bears the cosignatures of witnesses, too. The frontier has the largest complete nodes that make up
-- the tree, from the left, 32 bytes for each bit of the size that is set: appending reads these instead of nodes.
CREATE TABLE bspec_ledger.checkpoints (
    size bigint NOT NULL CHECK (size >= 0),
    note bytea NOT NULL CHECK (octet_length(note) BETWEEN 1 AND 16384),
    frontier bytea NOT NULL CHECK (octet_length(frontier) = 32 * length(replace(size::bit(64)::text, '0', ''))),
    edition integer NOT NULL DEFAULT 0 CHECK (edition BETWEEN 0 AND 1000000),
    PRIMARY KEY (size, edition)
);

CREATE FUNCTION bspec_ledger.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is insert-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bspec_ledger.entries
    FOR EACH STATEMENT EXECUTE FUNCTION bspec_ledger.refuse();
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bspec_ledger.nodes
    FOR EACH STATEMENT EXECUTE FUNCTION bspec_ledger.refuse();
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bspec_ledger.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION bspec_ledger.refuse();

-- Editions are counted without a gap, so that nobody takes the last one at once.
CREATE FUNCTION bspec_ledger.refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM bspec_ledger.checkpoints WHERE size = NEW.size AND edition = NEW.edition - 1) THEN
        RAISE EXCEPTION 'edition % of checkpoint % does not follow one', NEW.edition, NEW.size
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER no_gap BEFORE INSERT ON bspec_ledger.checkpoints
    FOR EACH ROW WHEN (NEW.edition > 0) EXECUTE FUNCTION bspec_ledger.refuse_gap();

REVOKE ALL ON SCHEMA bspec_ledger FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA bspec_ledger FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bspec_ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA bspec_ledger TO bspec_ledger_writer, bspec_ledger_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA bspec_ledger TO bspec_ledger_writer, bspec_ledger_reader;
GRANT INSERT ON ALL TABLES IN SCHEMA bspec_ledger TO bspec_ledger_writer;
