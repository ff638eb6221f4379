//! The rows of a list in the form of binary COPY, which the thread that reads the list makes of its contacts: what
//! talks to the database only passes bytes on.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::NewContact;
use crate::db::Error;
use crate::db::imports::Remark;
use crate::domain::area::Area;
use crate::domain::phone::Phone;

/// The columns that are written, in both tables.
pub(super) const COLUMNS: &str = "
    id, team_id, campaign_id, position, phone, extension, name, metadata, file_row, raw_phone, region, number_type,
    alternates, timezone, priority, repair, import_id, area, state, due_at, updated_at";

/// About how many bytes a row takes, to begin with.
const USUAL: usize = 400;

const TYPES: [Type; 21] = [
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::INT4,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::JSONB,
    Type::INT4,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::JSONB,
    Type::TEXT,
    Type::INT2,
    Type::TEXT,
    Type::UUID,
    Type::INT2,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
];

/// Whose contacts they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Belongs {
    pub(super) team: Uuid,
    pub(super) campaign: Uuid,
    pub(super) import: Uuid,
    /// They are due from this instant on.
    pub(super) now: DateTime<Utc>,
}

/// What follows in a list, as the database takes it.
#[derive(Debug, Clone, Default)]
pub struct Portion {
    /// The rows of its contacts.
    pub(super) rows: Bytes,
    /// How many they are.
    pub(super) contacts: i32,
    /// The areas that nobody before them was in, in the order of their numbers.
    pub(super) areas: Vec<Area>,
    /// What is to be said about rows.
    pub(super) remarks: Vec<Remark>,
}

/// Makes portions of a list's contacts, in the order of the list.
#[derive(Debug)]
pub struct Encoder {
    belongs: Belongs,
    areas: HashMap<Area, i16>,
    position: i32,
}

impl Encoder {
    pub(super) fn of(belongs: Belongs) -> Self {
        Self { belongs, areas: HashMap::new(), position: 0 }
    }

    /// Makes a portion of the contacts that follow, and of what is to be said about rows.
    pub fn portion(&mut self, contacts: &[NewContact], remarks: Vec<Remark>) -> Result<Portion, Error> {
        let (mut rows, mut areas) = (BytesMut::with_capacity(contacts.len() * USUAL), Vec::new());
        for contact in contacts {
            let area = self.number(contact, &mut areas);
            self.position += 1;
            write(&mut rows, &self.belongs, (self.position, area), contact)?;
        }
        let contacts = i32::try_from(contacts.len()).unwrap_or(i32::MAX);
        Ok(Portion { rows: rows.freeze(), contacts, areas, remarks })
    }

    /// The number of a contact's area. Whoever takes the portions refuses too many areas.
    fn number(&mut self, contact: &NewContact, new: &mut Vec<Area>) -> i16 {
        let area = Area::of(&contact.phone, Some(contact.number_type), contact.timezone.as_ref());
        if let Some(number) = self.areas.get(&area) {
            return *number;
        }
        let next = i16::try_from(self.areas.len()).unwrap_or(i16::MAX);
        new.push(area.clone());
        self.areas.insert(area, next);
        next
    }
}

fn write(
    rows: &mut BytesMut,
    belongs: &Belongs,
    (position, area): (i32, i16),
    contact: &NewContact,
) -> Result<(), Error> {
    let values: [&dyn ToSql; TYPES.len()] = [
        &Uuid::now_v7(),
        &belongs.team,
        &belongs.campaign,
        &position,
        &contact.phone.as_str(),
        &contact.extension.as_deref().unwrap_or_default(),
        &contact.name,
        &JsonText(Cow::Borrowed(contact.metadata.get())),
        &i32::try_from(contact.file_row).unwrap_or(i32::MAX),
        &contact.raw_phone,
        &contact.region.to_string(),
        &contact.number_type.as_str(),
        &array(&contact.alternates),
        &contact.timezone.as_ref().map(|zone| zone.name()),
        &contact.priority,
        &contact.repair,
        &belongs.import,
        &area,
        &"pending",
        &belongs.now,
        &belongs.now,
    ];
    rows.put_i16(TYPES.len() as i16);
    for (value, of) in values.into_iter().zip(&TYPES) {
        // The length goes before the value, and is known after it.
        let start = rows.len();
        rows.put_i32(0);
        let is_null =
            value.to_sql_checked(of, rows).map_err(|error| Error::ImpossibleRow(error.to_string()))?;
        let length = match is_null {
            IsNull::Yes => -1,
            IsNull::No => (rows.len() - start - 4) as i32,
        };
        rows[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// Numbers as a JSON array: nothing of a number has to be escaped.
fn array(phones: &[Phone]) -> JsonText<'static> {
    if phones.is_empty() {
        return JsonText(Cow::Borrowed("[]"));
    }
    let quoted: Vec<String> = phones.iter().map(|phone| format!("\"{}\"", phone.as_str())).collect();
    JsonText(Cow::Owned(format!("[{}]", quoted.join(","))))
}

/// A text that is JSON already: the server takes it apart anyway, so nobody else has to.
#[derive(Debug)]
struct JsonText<'t>(Cow<'t, str>);

impl ToSql for JsonText<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        // The version of the binary form of jsonb.
        out.put_u8(1);
        out.put_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }

    to_sql_checked!();
}
