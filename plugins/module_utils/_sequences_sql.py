# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The SQL of sequences, for every server from 9.3 on. Pure.

pgbdr.fit_sequence() is what moves a sequence, for the module and for new ones alike: it holds the lock and sees what
was given last. _sequences.py predicts what it will do.
"""

from __future__ import annotations

# The sequences that count: permanent, no extension's, not the collection's own or the engine's.
_LISTING = """
SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND c.relpersistence = 'p'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'pgbdr', 'pglogical', 'bdr')
   AND NOT EXISTS (SELECT 1 FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""

# The engine's global sequences are of a kind of their own, on servers that know kinds.
_LISTED = f"""
    listing := $listing${_LISTING}$listing$ || CASE
        WHEN EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'pg_catalog' AND tablename = 'pg_seqam')
        THEN ' AND c.relam IN (SELECT oid FROM pg_seqam WHERE seqamname = ''local'')' ELSE '' END;
"""

_VARIABLES = """
    listing  text;
    reading  text;
    state    record;
    fed      record;
    upcoming numeric;
    room     numeric;
    rows_to  numeric;
    highest  numeric;
    fits     boolean;
"""

# Servers before 10 keep all of a sequence in the sequence.
_READING = """
    reading := CASE WHEN EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'pg_catalog' AND tablename = 'pg_sequence')
        THEN 'SELECT seqincrement AS step, seqstart AS start, seqmax::numeric AS maximum, seqcycle AS cycles,
                     last_value, is_called FROM %s, pg_sequence WHERE seqrelid = %s'
        ELSE 'SELECT increment_by AS step, start_value AS start, max_value::numeric AS maximum, is_cycled AS cycles,
                     last_value, is_called FROM %s' END;
"""

# What a sequence is, and what is in the columns that it feeds: those that own it, or have it in their default.
# A sequence that does not fit goes above every row. Of one that fits only rows count whose values it is yet to give.
_READ = """
        EXECUTE format(reading, sequence::regclass, sequence::oid) INTO state;
        upcoming := state.last_value + CASE WHEN state.is_called THEN state.step ELSE 0 END;
        fits := state.step = step AND (state.start - remainder) % step = 0 AND (upcoming - remainder) % step = 0;
        room := state.maximum;
        highest := NULL;
        FOR fed IN
            SELECT f.relation::regclass AS relation, quote_ident(a.attname) AS name,
                   CASE b.typname WHEN 'int2' THEN 32767 WHEN 'int4' THEN 2147483647 END::numeric AS room
              FROM (SELECT refobjid AS relation, refobjsubid AS number FROM pg_depend
                     WHERE classid = 'pg_class'::regclass AND objid = sequence AND deptype IN ('a', 'i')
                       AND refclassid = 'pg_class'::regclass AND refobjsubid > 0
                    UNION
                    SELECT e.adrelid, e.adnum FROM pg_depend d JOIN pg_attrdef e ON e.oid = d.objid
                     WHERE d.classid = 'pg_attrdef'::regclass
                       AND d.refclassid = 'pg_class'::regclass AND d.refobjid = sequence) f
              JOIN pg_class c ON c.oid = f.relation AND c.relkind IN ('r', 'p')
              JOIN pg_attribute a ON a.attrelid = f.relation AND a.attnum = f.number AND NOT a.attisdropped
              JOIN pg_type y ON y.oid = a.atttypid
              JOIN pg_type b ON b.oid = CASE y.typtype WHEN 'd' THEN y.typbasetype ELSE y.oid END
             WHERE b.typname IN ('int2', 'int4', 'int8', 'numeric')
        LOOP
            room := least(room, fed.room);
            CONTINUE WHEN state.step < 0 OR fits AND NOT compare;
            EXECUTE format('SELECT ceil(max(%s)::numeric) FROM %s', fed.name, fed.relation)
                || format(' WHERE %s <= %s', fed.name, room)
                || CASE WHEN fits
                   THEN format(' AND %s >= %s AND (%s - %s) %% %s = 0', fed.name, upcoming, fed.name, remainder, step)
                   ELSE '' END
               INTO rows_to;
            highest := greatest(highest, rows_to);
        END LOOP;
"""

# A statement without a result of its own leaves it in a setting of the session. Two texts, since a long one is copied
# whenever something is added to it. The exception gives the locks back: those of 10,000 sequences would not fit.
OBSERVE = (
    """
DO $observe$
DECLARE
    step      constant bigint := {step};
    remainder constant bigint := {remainder};
    compare   constant boolean := {compare};
    sequence  oid;
    part      text := '';
    whole     text := '';"""
    + _VARIABLES
    + "BEGIN"
    + _LISTED
    + _READING
    + "    FOR sequence IN EXECUTE listing LOOP\n        BEGIN"
    + _READ
    + """
            RAISE SQLSTATE 'PGBDR';
        EXCEPTION WHEN SQLSTATE 'PGBDR' THEN
        END;
        part := part || (SELECT ',' || row_to_json(r) FROM (
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, state.step AS increment,
                   state.start, state.last_value AS last, state.is_called AS called, state.cycles, room, highest
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = sequence) r);
        IF length(part) > 10000 THEN
            whole := whole || part;
            part := '';
        END IF;
    END LOOP;
    PERFORM set_config('pgbdr.sequences', '[' || substr(whole || part, 2) || ']', false);
END
$observe$
"""
)
OBSERVED = "SELECT current_setting('pgbdr.sequences')"

# From 10 on nobody gets a value between the first ALTER and the commit. Before, or without it, what is given in between
# is as far from the new values as the last one was. The trigger for new sequences comes in at each ALTER, too, and
# must find nothing to do at last.
FIT_BODY = (
    """
DECLARE
    compare   constant boolean := true;
    first     numeric;
    following numeric;
    given     numeric;"""
    + _VARIABLES
    + "BEGIN"
    + _READING
    + _READ
    + """
    IF state.step < 0 THEN
        RAISE WARNING 'sequence % descends: it is left alone, and other nodes may give the same values', sequence;
        RETURN NULL;
    END IF;
    IF fits AND highest IS NULL THEN
        RETURN upcoming;
    END IF;
    first := state.start + ((remainder - state.start) % step + step) % step;
    given := greatest(state.last_value - CASE WHEN state.is_called THEN 0 ELSE 1 END, highest);
    IF state.is_called OR highest IS NOT NULL THEN
        given := given + least(margin, trunc(greatest(room - given, 0) / 100));
    END IF;
    following := given + 1 + ((remainder - given - 1) % step + step) % step;
    IF greatest(first, following) > room THEN
        RAISE WARNING 'sequence % has no value left for this node: % is the most it may give', sequence, room;
        RETURN NULL;
    END IF;
    IF state.step <> step OR state.start <> first THEN
        EXECUTE format('ALTER SEQUENCE %s INCREMENT BY %s START WITH %s', sequence, step, first);
    END IF;
    EXECUTE format('SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM %s', sequence) INTO given;
    following := greatest(following, given + 1 + ((remainder - given - 1) % step + step) % step);
    EXECUTE format('ALTER SEQUENCE %s RESTART WITH %s', sequence, following);
    RETURN following;
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION 'sequence % stays as it is: a transaction that took a value of it is open; run again', sequence;
END
"""
)

# What was made or changed in this transaction. Where the server cannot list it, rows of its catalogue can be told.
FIT_NEW_BODY = (
    """
DECLARE
    sequence oid;
    listing  text;
BEGIN"""
    + _LISTED
    + """
    listing := listing || CASE
        WHEN EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'pg_event_trigger_ddl_commands')
        THEN ' AND c.oid IN (SELECT objid FROM pg_event_trigger_ddl_commands() WHERE object_type = ''sequence'')'
        ELSE ' AND age(c.xmin) <= 0' END;
    FOR sequence IN EXECUTE listing LOOP
        PERFORM pgbdr.fit_sequence(sequence, {step}, {remainder}, 0);
    END LOOP;
END
"""
)

CREATE_FIT = """
CREATE OR REPLACE FUNCTION pgbdr.fit_sequence(sequence regclass, step bigint, remainder bigint, margin bigint)
RETURNS bigint LANGUAGE plpgsql {settings} AS %(body)s
"""
CREATE_FIT_NEW = """
CREATE OR REPLACE FUNCTION pgbdr.fit_new_sequences() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER {settings} AS %(body)s
"""
# ENABLE ALWAYS, since what an engine applies would not fire it otherwise. PROCEDURE is the word that all servers know.
CREATE_TRIGGER = """
CREATE EVENT TRIGGER pgbdr_fit_new_sequences ON ddl_command_end
  WHEN tag IN ('CREATE SEQUENCE', 'ALTER SEQUENCE', 'CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA')
  EXECUTE PROCEDURE pgbdr.fit_new_sequences()
"""
ENABLE_TRIGGER = "ALTER EVENT TRIGGER pgbdr_fit_new_sequences ENABLE ALWAYS"
DROP_TRIGGER = "DROP EVENT TRIGGER pgbdr_fit_new_sequences"
DROP_FIT_NEW = "DROP FUNCTION pgbdr.fit_new_sequences()"
DROP_FIT = "DROP FUNCTION pgbdr.fit_sequence(regclass, bigint, bigint, bigint)"

FUNCTIONS = """
SELECT p.proname::text AS name, p.prosrc AS body, p.proconfig AS settings
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'pgbdr' AND p.proname IN ('fit_sequence', 'fit_new_sequences')
"""
TRIGGER = "SELECT evtenabled::text AS enabled FROM pg_event_trigger WHERE evtname = 'pgbdr_fit_new_sequences'"

FIT = "SELECT pgbdr.fit_sequence(%(sequence)s, %(step)s, %(remainder)s, %(margin)s)"

# The engine's global sequences, where the build has them: the kind that new sequences of a database are of.
KINDS_KNOWN = "SELECT 1 AS found FROM pg_tables WHERE schemaname = 'pg_catalog' AND tablename = 'pg_seqam'"
KIND = "SELECT 1 AS found FROM pg_seqam WHERE seqamname = %(kind)s"
EXTENSION = "SELECT 1 AS found FROM pg_extension WHERE extname = %(kind)s"
LOCAL = (
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name FROM pg_seqam a, "
    "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    f"WHERE c.relam = a.oid AND a.seqamname = 'local' AND c.oid IN ({_LISTING}) ORDER BY 1"
)
DEFAULT_KIND = """
SELECT substr(s, length('default_sequenceam=') + 1) AS value FROM (
    SELECT unnest(setconfig) AS s FROM pg_db_role_setting
     WHERE setrole = 0 AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())) o
 WHERE s LIKE 'default_sequenceam=%'
"""
SET_KIND = "ALTER DATABASE {database} SET default_sequenceam = %(kind)s"
RESET_KIND = "ALTER DATABASE {database} RESET default_sequenceam"
