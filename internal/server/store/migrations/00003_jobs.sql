-- +goose Up
-- What is sent and fetched over the network: messages to webhooks, images to pull.
-- A job that is done is kept for a while to be shown; one that failed for good is dead.
CREATE TABLE jobs (
  n BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  made BIGINT NOT NULL,
  due BIGINT NOT NULL,
  state TEXT NOT NULL,
  tries BIGINT NOT NULL,
  problem TEXT NOT NULL,
  body BYTEA NOT NULL,
  UNIQUE (kind, id)
);
CREATE INDEX jobs_due ON jobs (kind, state, due);
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  event BIGINT NOT NULL,
  body BYTEA NOT NULL
);

-- +goose Down
DROP TABLE webhooks;
DROP TABLE jobs;
