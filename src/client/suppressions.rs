//! `outdial suppress`: who must not be called.

use reqwest::Method;
use serde_json::{Value, json};

use crate::domain::counted::counted;

use super::server::{ClientError, REFUSED, Server, Shown};
use super::table::{Column, table, told};

/// What is to be done.
#[derive(Debug, Clone)]
pub enum SuppressCommand {
    /// Nobody calls these numbers any more.
    Add {
        /// The numbers.
        phones: Vec<String>,
        /// Why.
        reason: Option<String>,
        /// Where a number without a country code belongs.
        region: Option<String>,
    },
    /// They may be called again.
    Remove {
        /// The numbers.
        phones: Vec<String>,
    },
    /// Show all.
    List,
}

const COLUMNS: &[Column] = &[
    ("phone", "/phone"),
    ("reason", "/reason"),
    ("source", "/source"),
    ("since", "/created_at"),
    ("until", "/expires_at"),
];

/// Carries it out.
pub async fn suppress(server: &Server, command: SuppressCommand) -> Result<Shown, ClientError> {
    match command {
        SuppressCommand::Add { phones, reason, region } => {
            let one = |phone: &String| match &reason {
                Some(reason) => json!({ "phone": phone, "reason": reason }),
                None => json!({ "phone": phone }),
            };
            let wanted: Vec<Value> = phones.iter().map(one).collect();
            let region: Vec<(&str, String)> = region.into_iter().map(|region| ("region", region)).collect();
            let request = server.request_with(Method::POST, &["suppressions"], &region);
            let said = server.json(request.json(&wanted)).await?;
            let [added, of] = ["imported", "rows"].map(|what| said[what].as_u64().unwrap_or(0));
            let mut text = format!("called no more: {added} of {}\n", counted(of, "number"));
            for refused in said["refused"].as_array().into_iter().flatten() {
                let typed =
                    refused["index"].as_u64().and_then(|index| phones.get(usize::try_from(index).ok()?));
                let message = told(&refused["message"]);
                text.push_str(&format!("  {}: {message}\n", typed.map_or("", String::as_str)));
            }
            let exit_status = if said["rejected"] == 0 { 0 } else { REFUSED };
            Ok(Shown { text, exit_status, json: said })
        }
        SuppressCommand::Remove { phones } => {
            for phone in &phones {
                server.json(server.request(Method::DELETE, &["suppressions", phone])).await?;
                server.has_done(format!("{phone} may be called again\n"));
            }
            Ok(Shown::new(
                format!("{} may be called again\n", counted(phones.len() as u64, "number")),
                json!(phones),
            ))
        }
        SuppressCommand::List => {
            let all = server.all(&["suppressions"], &[], "suppressions", usize::MAX).await?;
            Ok(Shown::new(table(&all, COLUMNS, "everybody may be called"), all.into()))
        }
    }
}
