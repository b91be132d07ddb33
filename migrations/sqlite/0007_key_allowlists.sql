-- Where a key may be used from, and which key took its place.
ALTER TABLE keys ADD COLUMN allowlist TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN replaced_by TEXT;
