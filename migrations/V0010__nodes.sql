-- Whose calls a node places: campaigns go only to nodes of their own account, as long as one lives. A node of a version
-- that does not say so has none that others could leave theirs to.
ALTER TABLE nodes ADD COLUMN account_sid text NOT NULL DEFAULT '';
