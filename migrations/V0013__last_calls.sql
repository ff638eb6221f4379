-- A campaign's last calls, the newest first, `most` of them at most: what decides whether too many of them failed. An attempt
-- that was taken back was no call; so that many of those in a row cost nobody much, only the newest `among` attempts are
-- looked at.
CREATE FUNCTION last_calls(campaign uuid, most bigint, among bigint)
RETURNS TABLE (id uuid, outcome text, ended_at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT id, outcome, ended_at
    FROM (SELECT id, outcome, coalesce(ended_at, settled_at) AS ended_at FROM attempts
          WHERE campaign_id = campaign AND settled_at IS NOT NULL
          ORDER BY id DESC LIMIT among) newest
    WHERE outcome <> 'not-placed'
    ORDER BY id DESC LIMIT most
$$;
