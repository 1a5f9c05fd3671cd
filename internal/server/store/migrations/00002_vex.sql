-- +goose Up
-- VEX documents: what others say of vulnerabilities in their products.
CREATE TABLE vex (
  id TEXT PRIMARY KEY,
  event BIGINT NOT NULL,
  body BYTEA NOT NULL
);

-- +goose Down
DROP TABLE vex;
