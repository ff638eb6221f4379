-- When the provider's verdict on who took a call is to come: before anything is said, beside what is said, or never.
ALTER TABLE attempts
    ADD COLUMN detection text,
    ADD CONSTRAINT known_detection CHECK (detection IN ('first', 'beside'));
