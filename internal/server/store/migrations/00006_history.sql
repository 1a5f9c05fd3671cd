-- +goose Up
-- The fleet in numbers, a row a day and environment; the empty one is all of them.
CREATE TABLE history (
  day TEXT NOT NULL,
  env TEXT NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (env, day)
);

-- +goose Down
DROP TABLE history;
