-- Roles with which the server can lose the least: what serves the API owns nothing, and nobody who calls people can
-- change a table. Run it once in outdial's own, empty database, as somebody who may make roles; again changes nothing.
--
--   psql "$ADMIN_URL" -f docs/roles.sql
--   psql "$ADMIN_URL" -c '\password outdial_migrator' -c '\password outdial_runtime'
--   DATABASE_URL=postgres://outdial_migrator:…@host/outdial outdial migrate     -- before each new version
--   DATABASE_URL=postgres://outdial_runtime:…@host/outdial  outdial serve
--
-- outdial_owner     owns everything and cannot log in
-- outdial_migrator  logs in for `outdial migrate`, and is the owner meanwhile
-- outdial_runtime   logs in for `outdial serve`: reads and writes rows, and nothing else

DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        VALUES ('outdial_owner', 'NOLOGIN'), ('outdial_migrator', 'LOGIN'), ('outdial_runtime', 'LOGIN')
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.column1) THEN
            EXECUTE format('CREATE ROLE %I %s NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS',
                           wanted.column1, wanted.column2);
        END IF;
    END LOOP;
END
$$;

GRANT outdial_owner TO outdial_migrator;

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO outdial_migrator, outdial_runtime', current_database());
    -- Lists that are added to a campaign are staged in a temporary table.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO outdial_runtime', current_database());
    EXECUTE format('ALTER ROLE outdial_migrator IN DATABASE %I SET role TO outdial_owner', current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO outdial_owner;
GRANT USAGE ON SCHEMA public TO outdial_runtime;

-- The history of the tables, which the server reads to see that they are the ones it was made for. It is made here, and
-- not by the first migration, so that it is never the server's to write.
CREATE TABLE IF NOT EXISTS public.refinery_schema_history (
    version    int4 PRIMARY KEY,
    name       varchar(255),
    applied_on varchar(255),
    checksum   varchar(255)
);
ALTER TABLE public.refinery_schema_history OWNER TO outdial_owner;
GRANT SELECT ON public.refinery_schema_history TO outdial_runtime;

-- Whatever the owner makes from now on.
ALTER DEFAULT PRIVILEGES FOR ROLE outdial_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO outdial_runtime;
ALTER DEFAULT PRIVILEGES FOR ROLE outdial_owner IN SCHEMA public
    GRANT USAGE ON SEQUENCES TO outdial_runtime;

-- From PostgreSQL 17 on somebody else than the owner may be let renew the planner's statistics, as the server does after
-- a large list. Before, autovacuum does it a minute later.
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 170000 THEN
        ALTER DEFAULT PRIVILEGES FOR ROLE outdial_owner IN SCHEMA public
            GRANT MAINTAIN ON TABLES TO outdial_runtime;
    END IF;
END
$$;
