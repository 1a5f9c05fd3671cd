-- +goose Up
-- One schema for SQLite and PostgreSQL: whole numbers are BIGINT, times are
-- milliseconds since 1970, documents are JSON in BYTEA. Numbers are handed out by
-- counters, whose rows lock their writers until they commit: an event's number
-- therefore also tells the order in which events became visible.
CREATE TABLE counters (name TEXT PRIMARY KEY, n BIGINT NOT NULL);

CREATE TABLE images (
  n BIGINT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  ref TEXT NOT NULL,
  inventory BIGINT NOT NULL,
  created BIGINT NOT NULL,
  body BYTEA NOT NULL
);
CREATE TABLE inventories (
  n BIGINT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  parts BYTEA NOT NULL,
  body BYTEA NOT NULL
);
CREATE TABLE parts (
  n BIGINT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  judged BIGINT NOT NULL,
  gaps BIGINT NOT NULL,
  body BYTEA NOT NULL
);
CREATE TABLE findings (
  n BIGINT PRIMARY KEY,
  part BIGINT NOT NULL,
  id TEXT NOT NULL,
  opened BIGINT NOT NULL,
  closed BIGINT NOT NULL,
  why_opened BYTEA NOT NULL,
  why_closed BYTEA NOT NULL,
  body BYTEA NOT NULL,
  UNIQUE (part, id, closed)
);
CREATE TABLE advisories (
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  modified BIGINT NOT NULL,
  event BIGINT NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (source, id)
);
CREATE TABLE facts (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  event BIGINT NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE TABLE exceptions (
  id TEXT PRIMARY KEY,
  event BIGINT NOT NULL,
  body BYTEA NOT NULL
);
CREATE TABLE running (
  id TEXT PRIMARY KEY,
  event BIGINT NOT NULL,
  body BYTEA NOT NULL
);
CREATE TABLE outbox (
  n BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  body BYTEA NOT NULL
);
CREATE TABLE tasks (
  event BIGINT PRIMARY KEY,
  lane BIGINT NOT NULL,
  lease BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  worker TEXT NOT NULL,
  problem TEXT NOT NULL
);
CREATE INDEX tasks_due ON tasks (lane, event);
CREATE TABLE audit (
  n BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  who TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  result TEXT NOT NULL
);

-- +goose Down
DROP TABLE audit;
DROP TABLE tasks;
DROP TABLE outbox;
DROP TABLE running;
DROP TABLE exceptions;
DROP TABLE facts;
DROP TABLE advisories;
DROP TABLE findings;
DROP TABLE parts;
DROP TABLE inventories;
DROP TABLE images;
DROP TABLE counters;
