-- Creates the database and its roles. psql runs it once, as a superuser. Each of OWNER_PASSWORD_FILE, SERVER_PASSWORD_FILE and
-- READER_PASSWORD_FILE names a file with the password of a role. Afterwards, `deployrecords migrate --server-role
-- deployrecords_server` creates the schema as the owner, and grants the rights of a server.
\set ON_ERROR_STOP on
\set owner_password `cat "$OWNER_PASSWORD_FILE"`
\set server_password `cat "$SERVER_PASSWORD_FILE"`
\set reader_password `cat "$READER_PASSWORD_FILE"`
SELECT '' IN (:'owner_password', :'server_password', :'reader_password') AS missing \gset
\if :missing
DO $$ BEGIN RAISE 'OWNER_PASSWORD_FILE, SERVER_PASSWORD_FILE and READER_PASSWORD_FILE must name files with passwords'; END $$;
\endif

BEGIN;
-- Owns the database and its schema. Only migrations use it.
CREATE ROLE deployrecords_owner LOGIN PASSWORD :'owner_password';
-- Serves: it reads and records, and can neither change the schema nor delete a record.
CREATE ROLE deployrecords_server LOGIN PASSWORD :'server_password';
-- Only reads, for `deployrecords serve --read-only` and reports.
CREATE ROLE deployrecords_reader LOGIN PASSWORD :'reader_password';
COMMIT;

CREATE DATABASE deployrecords OWNER deployrecords_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE deployrecords FROM PUBLIC;
GRANT CONNECT ON DATABASE deployrecords TO deployrecords_server, deployrecords_reader;

\connect deployrecords
-- A cluster that was upgraded from PostgreSQL 14 or older lets every role create tables.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- For the tables of each migration to come.
ALTER DEFAULT PRIVILEGES FOR ROLE deployrecords_owner IN SCHEMA public GRANT SELECT ON TABLES TO deployrecords_reader;
