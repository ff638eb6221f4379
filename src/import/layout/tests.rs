//! Which column is which, in tables.

use super::*;
use crate::import::reading::Row;

fn rows(text: &str) -> Vec<Row> {
    let cells = |line: &str| line.split('|').map(Cell::showing).collect();
    (1..).zip(text.lines()).map(|(number, line)| Row::of(number, cells(line))).collect()
}

fn layout_with(text: &str, mapping: &ColumnMapping) -> Result<Layout, ImportError> {
    let countries = Countries::default_for(Region::US);
    let known = Known {
        home: Region::US,
        countries: &countries,
        columns: 512,
        mapping,
        alternates: &[],
        has_header: false,
    };
    Layout::of(&rows(text), &known)
}

fn layout(text: &str) -> Layout {
    layout_with(text, &ColumnMapping::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What was found, as `role: name (why)`.
fn found(text: &str) -> Vec<String> {
    let found = layout(text).found;
    let mut found: Vec<&FoundColumn> = found.iter().collect();
    found.sort_by_key(|column| column.place);
    found.iter().map(|column| format!("{}: {} ({})", column.role, column.name, column.why)).collect()
}

fn warned(text: &str) -> Vec<WarningKind> {
    layout(text).warnings.into_iter().map(|warning| warning.kind).collect()
}

#[test]
fn headers_are_understood_in_five_languages() {
    for (header, roles) in [
        ("First Name|Last Name|Mobile|Country|Timezone|Priority|Ext.", "English"),
        ("Nombre|Apellidos|Móvil|País|Zona horaria|Prioridad|Extensión", "Spanish"),
        ("Vorname|Nachname|Handynummer|Land|Zeitzone|Priorität|Nebenstelle", "German"),
        ("Prénom|Nom|Téléphone|Pays|Fuseau horaire|Priorité|Numéro de poste", "French"),
        ("Nome|Sobrenome|Telemóvel|País|Fuso horário|Prioridade|Ramal", "Portuguese"),
    ] {
        let layout = layout(&format!("{header}\nAda|Marsh|2025550101|US|America/New_York|5|12"));
        assert_eq!((layout.phone, layout.names), (2, Names::Joined(0, 1)), "{roles}");
        let others = [layout.country, layout.timezone, layout.priority, layout.extension];
        assert_eq!(others, [Some(3), Some(4), Some(5), Some(6)], "{roles}");
        assert!(layout.found.iter().all(|column| column.why == Why::Header), "{roles}");
    }
}

#[test]
fn a_column_called_name_is_the_part_that_another_column_lacks() {
    for (text, names) in [
        ("Name|Vorname|Telefon\nMarsh|Ada|2025550101", Names::Joined(1, 0)),
        ("Nom|Prénom|Téléphone\nMarsh|Ada|2025550101", Names::Joined(1, 0)),
        ("Nombre|Apellido|Teléfono\nAda|Marsh|2025550101", Names::Joined(0, 1)),
        ("Name|First name|Phone\nAda Marsh|Ada|2025550101", Names::Whole(0)),
        ("Name|First name|Last name|Phone\nAda Marsh|Ada|Marsh|2025550101", Names::Whole(0)),
        ("Client|First name|Last name|Phone\nHarbor Dental|Ada|Marsh|2025550101", Names::Joined(1, 2)),
        ("Company name|Patient name|Phone\nHarbor|Ada Marsh|2025550101", Names::Whole(1)),
        ("Company name|Phone\nHarbor|2025550101", Names::Nowhere),
        ("Vorname|Telefon\nAda|2025550101", Names::Whole(0)),
        ("Customer|Phone\nAda Marsh|2025550101", Names::Whole(0)),
        ("Customer|Phone\nC-10293|2025550101", Names::Nowhere),
        ("Patient|Phone\nAda Marsh|2025550101\nRuiz, Ana María & Luis (hijo)|2025550102", Names::Whole(0)),
        ("Patient ID|Schüler|Telefon\n17|Ada Marsh|2025550101", Names::Whole(1)),
        ("Patient|Élève|Phone\n10293|Ada|2025550101", Names::Whole(1)),
        ("Customer|First name|Phone\nHarbor Inc|Ada|2025550101", Names::Whole(1)),
        ("Customer|First name|Phone\nAda Marsh|Ada|2025550101", Names::Whole(0)),
    ] {
        assert_eq!(layout(text).names, names, "{text}");
    }
}

#[test]
fn the_best_phone_column_is_called_and_the_others_are_alternates() {
    let text = "Name|Phone type|Fax|Work phone|Phone|Emergency phone\n\
                Ada|mobile|2025550198|2025550199|2025550101|2025550177";
    assert_eq!(
        found(text),
        ["name: Name (header)", "alternate: Work phone (header)", "phone: Phone (header)"]
    );
    let text = "Mobile|Phone\n|2025550101\n2025550102|2025550103\n|2025550104";
    assert_eq!((layout(text).phone, layout(text).alternates), (1, vec![0]), "the fuller of two equal words");
    let text = "Phone|Mobile\nn/a|2025550101\nnone|2025550102";
    assert_eq!(layout(text).phone, 1, "a column without any number is not the phone column");
    let text = "Mobile home|Phone\nyes|2025550101\nno|2025550102";
    assert!(layout(text).alternates.is_empty(), "nothing in it is a number");
}

#[test]
fn content_speaks_where_headers_do_not() {
    assert_eq!(found("Who|Reachable at\nAda|2025550101"), ["phone: Reachable at (content)"]);
    let text = "Ada Marsh|2025550101|Germany|Europe/Berlin|2025550199\n\
                Alan Park|2025550102|Spain|Europe/Madrid|x";
    let expected = [
        "name: Column 1 (content)",
        "phone: Column 2 (content)",
        "country: Column 3 (content)",
        "timezone: Column 4 (content)",
        "alternate: Column 5 (content)",
    ];
    let text = text.replace("2025550101", "+12025550101").replace("2025550102", "+12025550102");
    let text = text.replace("2025550199", "+12025550199");
    assert_eq!(found(&text), expected);
    assert_eq!(
        found("Where|Phone\nAmerica/New_York|2025550101"),
        ["timezone: Where (content)", "phone: Phone (header)"]
    );
}

#[test]
fn states_are_no_countries() {
    for text in [
        "Ada|2025550101|CA\nAlan|2025550102|IN\nGrace|2025550103|DE",
        "Ada|2025550101|Georgia\nAlan|2025550102|Georgia",
        "Name|Phone|Land\nAda|2025550101|12 acres\nAlan|2025550102|3 acres",
        "Name|Phone|Destination\nAda|2025550101|France\nAlan|2025550102|Spain",
    ] {
        assert_eq!(layout(text).country, None, "{text}");
    }
}

#[test]
fn numbers_are_found_by_their_rows_countries() {
    let text = "Who|Country|Reach\nAda|DE|030 23125 001\nAlan|Germany|030 23125 002";
    assert_eq!(found(text), ["country: Country (header)", "phone: Reach (content)"]);
}

#[test]
fn a_title_that_promises_something_else_is_not_believed() {
    let text = "Name|Phone|Priority|Extension\nAda|2025550101|high|pdf\nAlan|2025550102|low|doc";
    let layout = layout(text);
    assert_eq!((layout.priority, layout.extension), (None, None));
    assert_eq!(warned(text), [WarningKind::ColumnNotUsed, WarningKind::ColumnNotUsed]);
    let text = "Name|Phone|Timezone\nAda|2025550101|EST";
    assert_eq!(
        found(text).last().unwrap(),
        "timezone: Timezone (header)",
        "a wrong hour is worse than a refusal"
    );
}

#[test]
fn an_owners_word_wins() {
    let text = "Name|Phone|Line|Level\nAda|2025550101|2025550102|high";
    let said = |text: &str| Some(text.to_owned());
    let mapping = ColumnMapping { phone: said("line"), priority: said("LEVEL"), ..ColumnMapping::default() };
    let layout = layout_with(text, &mapping).unwrap();
    assert_eq!((layout.phone, layout.priority, layout.alternates), (2, Some(3), vec![1]));
    let why = layout.found.iter().find(|column| column.role == Role::Phone).map(|column| column.why);
    assert_eq!(why, Some(Why::Mapping));

    let mapping = ColumnMapping { phone: said("B"), name: said("column 3"), ..ColumnMapping::default() };
    let layout = layout_with("2025550101|2025550102|Ada", &mapping).unwrap();
    assert_eq!((layout.phone, layout.names, layout.header), (1, Names::Whole(2), None));

    let mapping = ColumnMapping { phone: said("Zeile"), ..ColumnMapping::default() };
    let layout = layout_with("Wer|Zeile\nAda|12\nAlan|13", &mapping).unwrap();
    assert_eq!((layout.phone, layout.header), (1, Some(1)), "a row with the owner's words is a header");

    let mapping = ColumnMapping { phone: said("Fon"), ..ColumnMapping::default() };
    let error = layout_with("Name|Phone\nAda|2025550101", &mapping).unwrap_err();
    assert_eq!(error.to_string(), "expected a column \"Fon\"; found \"Name\", \"Phone\"");
}

#[test]
fn a_columns_own_meaning_gives_way_to_what_its_owner_says() {
    let mapping = ColumnMapping { country: Some("Phone".to_owned()), ..ColumnMapping::default() };
    let layout = layout_with("Phone|Line\nUS|2025550101", &mapping).unwrap();
    assert_eq!((layout.country, layout.phone), (Some(0), 1));
}

#[test]
fn who_does_not_want_to_be_called_is_not_passed_over_in_silence() {
    let list = |wish: &str| format!("Name|Phone|Do Not Call\nAda|2025550101|\nAlan|2025550102|{wish}");
    assert_eq!(warned(&list("yes")), [WarningKind::DoNotCallColumn]);
    assert_eq!(warned(&list("x")), [WarningKind::DoNotCallColumn]);
    assert_eq!(warned(&list("No")), []);
    assert_eq!(warned("Name|Phone|Opt-in\nAda|2025550101|yes"), []);
}

#[test]
fn what_stands_above_a_header_is_no_row() {
    let layout_of = layout("Patients|\nPatient|Phone\nAda|2025550101");
    assert_eq!((layout_of.header, layout_of.names), (Some(2), Names::Whole(0)));
    let text = "Patients to call|\n|\nas of||\nName|Phone\nAda|2025550101";
    let layout = layout(text);
    assert_eq!((layout.header, layout.phone), (Some(4), 1));
    assert_eq!(warned(text), [WarningKind::RowsAboveHeader]);
    let text = "Ada Marsh|2025550101\nName|Phone\nAlan|2025550102";
    assert_eq!(self::layout(text).header, None, "a row with a number is a row");
}

#[test]
fn a_column_or_a_country_that_fits_better_is_named() {
    let text = "Phone|Line\n2025550101|2025550101\n12|2025550102\n13|2025550103\n14|2025550104";
    assert_eq!((layout(text).phone, warned(text)), (0, vec![WarningKind::BetterColumn]));
    let text = "Telefon\n030 23125 001\n030 23125 002\n030 23125 003";
    let warnings = layout(text).warnings;
    assert_eq!(warnings[0].kind, WarningKind::OtherCountry);
    assert!(warnings[0].sentence.contains("numbers in DE"), "{}", warnings[0].sentence);
    assert_eq!(warned("Phone\n2025550101\n12\n13"), []);
}
