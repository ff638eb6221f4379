//! Who may do what: permissions, and the roles that are made of them.

use super::names::names;

names! {
    /// Something that not everybody may do.
    pub enum Permission: "permission" {
        /// See campaigns, how they stand, their attempts, imports and forecasts.
        CampaignsRead = "campaigns:read",
        /// Make a campaign of a list, and look at lists before.
        CampaignsCreate = "campaigns:create",
        /// Change a campaign's name, settings and agent.
        CampaignsUpdate = "campaigns:update",
        /// Make a campaign of another one's settings and contacts.
        CampaignsDuplicate = "campaigns:duplicate",
        /// Start and resume campaigns, and have people called again: people are called.
        CampaignsStart = "campaigns:start",
        /// Pause campaigns.
        CampaignsPause = "campaigns:pause",
        /// Cancel campaigns for good.
        CampaignsCancel = "campaigns:cancel",
        /// Delete campaigns with all that is known of their calls.
        CampaignsDelete = "campaigns:delete",
        /// See contacts: names, numbers and what the file said of them.
        ContactsRead = "contacts:read",
        /// Add contacts, and ask for callbacks.
        ContactsWrite = "contacts:write",
        /// Take whole lists away as files: contacts and what became of them.
        ContactsExport = "contacts:export",
        /// Erase what leads to a person who asks for it.
        ContactsErase = "contacts:erase",
        /// See who must not be contacted.
        SuppressionsRead = "suppressions:read",
        /// Say who must not be contacted, and who may be again.
        SuppressionsWrite = "suppressions:write",
        /// Say during a call that the called person has opted out.
        OptOutsWrite = "opt-outs:write",
        /// Follow what happens to campaigns, contacts and calls.
        EventsRead = "events:read",
        /// See agents and their scripts.
        AgentsRead = "agents:read",
        /// Change agents and their scripts.
        AgentsWrite = "agents:write",
        /// See the packs of calling rules.
        RulesRead = "rules:read",
        /// See how the servers are.
        HealthRead = "health:read",
        /// See the team's API keys, without their secrets.
        KeysRead = "keys:read",
        /// Make and revoke API keys.
        KeysWrite = "keys:write",
        /// See hooks, and what was delivered by them.
        HooksRead = "hooks:read",
        /// Make, change and delete hooks: what happens is told to others.
        HooksWrite = "hooks:write",
        /// See who did what.
        AuditRead = "audit:read",
    }
}

names! {
    /// What a key is for. Each may do all that the one before it may.
    pub enum Role: "role" {
        /// Sees everything but keys, hooks and who did what, and changes nothing.
        Viewer = "viewer",
        /// Calls people.
        Operator = "operator",
        /// Deletes, and lets others in.
        Admin = "admin",
    }
}

impl Role {
    /// Whether who has this role may do it.
    pub fn may(self, permission: Permission) -> bool {
        permission.least_role() <= self
    }

    /// Whoever has it, with the article.
    pub fn holder(self) -> &'static str {
        match self {
            Self::Viewer => "a viewer",
            Self::Operator => "an operator",
            Self::Admin => "an admin",
        }
    }

    /// All that who has this role may do.
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.may(*permission))
    }
}

impl Permission {
    /// The least of the roles that may do it.
    pub fn least_role(self) -> Role {
        match self {
            Self::CampaignsRead
            | Self::ContactsRead
            | Self::SuppressionsRead
            | Self::EventsRead
            | Self::AgentsRead
            | Self::RulesRead
            | Self::HealthRead => Role::Viewer,
            Self::CampaignsCreate
            | Self::CampaignsUpdate
            | Self::CampaignsDuplicate
            | Self::CampaignsStart
            | Self::CampaignsPause
            | Self::CampaignsCancel
            | Self::ContactsWrite
            | Self::ContactsExport
            | Self::SuppressionsWrite
            | Self::OptOutsWrite
            | Self::AgentsWrite => Role::Operator,
            Self::CampaignsDelete
            | Self::ContactsErase
            | Self::KeysRead
            | Self::KeysWrite
            | Self::HooksRead
            | Self::HooksWrite
            | Self::AuditRead => Role::Admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_changes_nothing_and_an_admin_may_do_everything() {
        for permission in Permission::ALL {
            let is_reading = permission.as_str().ends_with(":read");
            assert!(is_reading || !Role::Viewer.may(*permission), "{permission}");
            assert!(Role::Admin.may(*permission), "{permission}");
        }
        assert_eq!(Role::Admin.permissions().count(), Permission::ALL.len());
    }

    #[test]
    fn a_role_may_do_all_that_the_one_before_may_and_more() {
        for pair in Role::ALL.windows(2) {
            let (less, more): (Vec<_>, Vec<_>) =
                (pair[0].permissions().collect(), pair[1].permissions().collect());
            assert!(less.iter().all(|permission| more.contains(permission)));
            assert!(less.len() < more.len());
        }
    }

    #[test]
    fn who_calls_people_deletes_nothing_and_lets_nobody_in() {
        for permission in [Permission::CampaignsDelete, Permission::KeysRead, Permission::KeysWrite] {
            assert!(!Role::Operator.may(permission));
        }
        assert!(Role::Operator.may(Permission::CampaignsStart));
    }
}
