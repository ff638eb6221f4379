//! From what the import reads to what the database stores.

use crate::db::contacts::{Batch, NewContact};
use crate::db::imports::{Kind, Remark};
use crate::import;

/// A batch of the import's, as the database takes it. Nothing is copied.
pub(super) fn batch(contacts: Vec<import::NewContact>, rows: Vec<import::RowReport>) -> Batch {
    Batch {
        contacts: contacts.into_iter().map(contact).collect(),
        remarks: rows.into_iter().map(remark).collect(),
    }
}

fn contact(contact: import::NewContact) -> NewContact {
    NewContact {
        file_row: contact.row,
        phone: contact.phone,
        extension: contact.extension,
        region: contact.region,
        number_type: contact.number_type,
        alternates: contact.alternates,
        name: contact.name,
        raw_phone: contact.raw_phone,
        timezone: contact.timezone,
        priority: contact.priority,
        repair: contact.repair,
        metadata: contact.metadata,
    }
}

fn remark(report: import::RowReport) -> Remark {
    let kind = match report.kind {
        import::Kind::Refused { suggestion, cells } => Kind::Refused { suggestion, cells },
        import::Kind::Repaired => Kind::Repaired,
        import::Kind::Duplicate { repeats } => Kind::Duplicate { repeats: Some(repeats) },
    };
    Remark {
        file_row: report.row,
        column: report.column,
        value: report.value,
        reason: report.reason,
        sentence: report.sentence,
        kind,
    }
}
