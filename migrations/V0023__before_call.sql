-- Servers of others that are asked before each call, by way of a hook.

-- A server that gave no answer is left alone for a while, by all campaigns that would ask it.
ALTER TABLE hooks
    ADD COLUMN silent_until timestamptz,
    ADD COLUMN silent_because text,
    ADD COLUMN silent_times integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT silent_hooks_say_why
        CHECK ((silent_until IS NULL) = (silent_because IS NULL) AND (silent_until IS NULL) = (silent_times = 0));

-- Why a contact was not called when its turn had come: what such a server said of it last, until it is called.
ALTER TABLE contacts ADD COLUMN before_call text;
