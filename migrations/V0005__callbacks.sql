-- A callback that somebody asked for: when, and a note for whoever calls. It waits until an attempt is claimed for it;
-- then instant and note stay, so that the same wish asked again changes nothing.
ALTER TABLE contacts
    ADD COLUMN callback_at timestamptz,
    ADD COLUMN callback_note text,
    ADD COLUMN callback_waits boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT a_callback_that_waits_has_its_instant CHECK (NOT callback_waits OR callback_at IS NOT NULL),
    ADD CONSTRAINT a_callback_s_note_has_its_callback CHECK (callback_note IS NULL OR callback_at IS NOT NULL);
