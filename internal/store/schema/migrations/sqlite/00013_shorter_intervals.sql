-- +goose Up

-- As in PostgreSQL, whose migration says why.
DELETE FROM list_ranges;
