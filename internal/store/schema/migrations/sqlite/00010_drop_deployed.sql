-- +goose Up

-- A transaction of its own: after CREATE INDEX it would wait for recorders that wait for it.
DROP INDEX deployment_records_deployed;
