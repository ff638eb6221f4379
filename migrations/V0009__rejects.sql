-- Refused rows are downloaded in pages of so many bytes. Those from before are taken to be large.
ALTER TABLE import_rows ADD COLUMN cell_bytes integer NOT NULL DEFAULT 65536;
ALTER TABLE import_rows ALTER COLUMN cell_bytes DROP DEFAULT;
