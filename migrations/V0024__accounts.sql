-- What the servers of an account said of it when one started last: the number that calls where a campaign names none, and
-- whether nobody is really called. Not known of an account that no server of this version has named yet.
ALTER TABLE accounts
    ADD COLUMN default_from text,
    ADD COLUMN is_simulated boolean;

UPDATE accounts SET default_from = '+15005550006', is_simulated = true
WHERE sid = 'AC00000000000000000000000000000000';

-- Whoever has the database lifts a suppression without a key.
ALTER TABLE lifted_suppressions ALTER COLUMN lifted_by DROP NOT NULL;
