-- +goose Up
-- A delta asks what was brought under its ids, whoever said it.
CREATE INDEX advisories_id ON advisories (id);

-- +goose Down
DROP INDEX advisories_id;
