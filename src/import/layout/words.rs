//! The words by which people call a column, in English, Spanish, German, French and Portuguese. They stand here in
//! the form in which they are compared ([`plain`]): without accents, the words one space apart.

use crate::import::plain::plain;

/// Titles of phone columns that leave no doubt.
#[rustfmt::skip]
const PHONES: &[&str] = &[
    // English
    "phone", "phones", "phone number", "phone numbers", "phone no", "phone nr", "phone num", "phonenumber",
    "telephone", "telephone number", "telephone numbers", "telephone no", "tel", "tel no", "tel number", "mobile",
    "mobile number", "mobile no", "mobile phone", "mobile phone number", "mobilephone", "cell", "cell phone",
    "cell number", "cell phone number", "cellphone", "cellular", "contact number", "contact no", "contact phone",
    "contact phone number", "primary phone", "primary phone number", "main phone", "number to call",
    "number to dial", "phone to call", "whatsapp", "whatsapp number", "msisdn", "e164", "phone e164",
    // Spanish
    "telefono", "telefonos", "numero de telefono", "numero telefonico", "numero telefono", "nro de telefono",
    "nro telefono", "no de telefono", "n o de telefono", "n de telefono", "num telefono", "movil", "numero movil",
    "numero de movil", "telefono movil", "tel movil", "celular", "numero celular", "numero de celular",
    "telefono celular", "telefono de contacto", "telefono principal", "numero de contacto", "tlf", "tlfn", "tfno",
    "telf",
    // German
    "telefon", "telefonnummer", "telefonnummern", "telefonnr", "telefon nr", "telefon nummer", "tel nr", "telnr",
    "rufnummer", "rufnr", "handy", "handynummer", "handynr", "handy nr", "mobil", "mobilnummer", "mobilnr",
    "mobiltelefon", "mobilfunknummer", "mobilfunk", "mobilrufnummer", "kontakttelefon",
    // French
    "telephones", "numero de telephone", "numero telephone", "no de telephone", "n o de telephone",
    "n de telephone", "no telephone", "n telephone", "num telephone", "num tel", "numero tel", "numero de tel",
    "portable", "tel portable", "telephone portable", "telephone mobile", "tel mobile", "numero de portable",
    "numero portable", "numero de mobile", "gsm",
    // Portuguese
    "telefone", "telefones", "numero de telefone", "numero do telefone", "numero telefone", "no de telefone",
    "telemovel", "numero de telemovel", "numero do celular", "telefone celular", "telefone movel", "fone",
    "telefone de contato", "telefone de contacto",
];

/// Words that make a title a phone column's unless it says otherwise.
#[rustfmt::skip]
const PHONE_PARTS: &[&str] = &[
    "phone", "phones", "telephone", "telephones", "tel", "mobile", "cell", "cellphone", "cellular", "whatsapp",
    "landline", "msisdn", "telefon", "telefonnummer", "rufnummer", "handy", "handynummer", "mobil", "mobilnummer",
    "festnetz", "festnetznummer", "telefono", "telefonos", "celular", "movil", "tlf", "portable", "gsm", "telefone",
    "telefones", "telemovel", "fone",
];

/// Ends of words that have been written together, such as `Privattelefon` and `workphone`.
const PHONE_ENDS: &[&str] = &["phone", "telefon", "telefonnummer", "rufnummer", "handy", "handynummer"];

/// Titles that may mean a phone column.
#[rustfmt::skip]
const MAYBE_PHONES: &[&str] = &[
    "number", "numbers", "contact", "nummer", "nummern", "numero", "numeros", "call", "contacto", "contato",
    "kontakt", "line",
];

/// Words that make a title that of something about a phone, or of another line, or of somebody else.
#[rustfmt::skip]
const NOT_PHONES: &[&str] = &[
    "type", "ext", "extn", "extension", "code", "country", "id", "consent", "status", "verified", "fax", "telefax",
    "valid", "carrier", "model", "opt", "notes", "note", "provider", "brand", "make", "os", "plan", "bill", "cost",
    "price", "count", "date", "time", "times", "calls", "attempts", "preference", "prefix", "operator", "network",
    "timezone", "name", "user", "app", "label", "asst", "tty", "tdd", "pager", "iphone", "smartphone", "microphone", "headphone", "model", "version",
    "emergency", "spouse", "parent", "guardian", "agent", "manager", "doctor", "referrer", "assistant",
    "typ", "vorwahl", "landesvorwahl", "anbieter", "notiz", "notizen", "notfall", "faxnummer", "einwilligung",
    "tipo", "codigo", "prefijo", "indicativo", "lada", "operador", "operadora", "nota", "notas", "estado",
    "emergencia", "consentimiento", "consentimento", "marca", "modelo", "nombre", "pais", "horario",
    "indicatif", "operateur", "telecopie", "telecopieur", "urgence", "marque", "modele", "statut", "nom", "pays",
    "consentement", "ddi", "ddd", "prefixo", "nome", "observacao", "observacoes",
];

#[rustfmt::skip]
const FULL_NAMES: &[&str] = &[
    "full name", "fullname", "contact name", "contact person", "customer name", "client name", "lead name",
    "patient name", "person",
    "nombre completo", "nombre y apellido", "nombre y apellidos", "nombres y apellidos", "nombre del cliente",
    "nombre de contacto",
    "vollstandiger name", "vor und nachname", "ansprechpartner", "ansprechpartnerin", "kundenname",
    "patientenname", "kontaktname",
    "nom complet", "nom et prenom", "nom prenom", "prenom nom", "prenom et nom", "nom du client", "nom du contact",
    "nome completo", "nome e sobrenome", "nome do cliente", "nome do contato",
];

/// Titles that may mean a person's name, or an id.
#[rustfmt::skip]
const MAYBE_NAMES: &[&str] = &[
    // English
    "contact", "contacts", "customer", "customers", "client", "clients", "lead", "leads", "patient", "patients",
    "student", "students", "pupil", "pupils", "parent", "parents", "guardian", "guardians", "parent guardian",
    "parent or guardian", "member", "members", "tenant", "resident", "donor", "voter", "guest", "subscriber",
    "applicant", "candidate", "attendee", "participant", "employee", "volunteer", "recipient", "caregiver", "carer",
    // Spanish
    "contacto", "cliente", "clienta", "clientes", "paciente", "pacientes", "alumno", "alumna", "alumnos", "estudiante",
    "padre", "padres", "madre", "tutor", "tutora", "apoderado", "apoderada", "padre o tutor", "padre madre o tutor",
    "socio", "socia", "miembro", "afiliado", "afiliada", "inquilino", "participante", "empleado", "empleada",
    "invitado", "persona",
    // German
    "kontakt", "kunde", "kundin", "kunden", "patientin", "patienten", "schuler", "schulerin", "student in",
    "studentin", "elternteil", "eltern", "erziehungsberechtigte", "erziehungsberechtigter", "mitglied", "mitglieder",
    "mieter", "mieterin", "teilnehmer", "teilnehmerin", "mitarbeiter", "mitarbeiterin", "gast", "spender", "kunde in",
    "patient in", "schuler in", "teilnehmer in",
    // French
    "cliente", "patiente", "eleve", "eleves", "etudiant", "etudiante", "responsable legal", "representant legal",
    "tuteur", "tutrice", "membre", "adherent", "adherente", "locataire", "participante", "employe", "employee",
    "personne",
    // Portuguese
    "contato", "aluno", "aluna", "alunos", "estudante", "responsavel", "pai", "mae", "membro", "associado",
    "associada", "inquilino", "funcionario", "funcionaria", "pessoa", "convidado",
];

/// A whole name where no other column has a part of it; the other part where one has.
const NAMES: &[&str] = &["name", "names", "nombre", "nom", "nome"];

#[rustfmt::skip]
const GIVEN_NAMES: &[&str] = &[
    "first name", "firstname", "first", "given name", "forename", "fname", "vorname", "vornamen", "prenom",
    "prenoms", "nombres", "primer nombre", "nombre de pila", "primeiro nome", "nome proprio",
];

#[rustfmt::skip]
const FAMILY_NAMES: &[&str] = &[
    "last name", "lastname", "last", "family name", "surname", "lname", "nachname", "familienname", "zuname",
    "apellido", "apellidos", "primer apellido", "apellido paterno", "nom de famille", "sobrenome", "apelido",
    "apelidos", "ultimo nome",
];

/// Words that make a title of several words one of a person's name.
const NAME_PARTS: &[&str] = &["name", "nombre", "nome"];

/// Whose name it is not.
#[rustfmt::skip]
const NOT_PERSONS: &[&str] = &[
    "company", "business", "organisation", "organization", "account", "user", "username", "school", "product",
    "file", "agent", "campaign", "event", "list", "domain", "middle", "brand", "store", "project", "firm",
    "employer", "street", "city", "state", "country", "nick", "maiden", "pet", "host", "site", "table", "tag", "plan",
    "empresa", "compania", "producto", "archivo", "usuario", "calle", "ciudad", "pais", "evento", "segundo",
    "firma", "unternehmen", "produkt", "datei", "benutzer", "strasse", "stadt",
    "entreprise", "societe", "produit", "fichier", "utilisateur", "rue", "ville", "pays",
    "produto", "arquivo", "rua", "cidade", "fantasia", "mae", "madre", "mother", "father", "spouse", "parent",
];

#[rustfmt::skip]
const COUNTRIES: &[&str] = &[
    "country", "country code", "country iso", "country iso code", "country iso2", "country name", "iso country",
    "iso country code", "country region", "country or region", "phone country", "country calling code",
    "country dial code", "pais", "codigo de pais", "codigo pais", "codigo del pais", "codigo do pais",
    "nombre del pais", "landercode", "laendercode", "landercode iso", "landesvorwahl", "pays", "code pays",
    "code du pays", "indicatif pays",
];

/// Titles that may mean a country: German for country, English for ground, and the like.
#[rustfmt::skip]
const MAYBE_COUNTRIES: &[&str] = &[
    "land", "staat", "nation", "location", "region", "country of residence", "mailing country", "billing country",
    "shipping country", "home country", "address country", "contact country", "customer country",
    "home country region",
];

/// Titles of columns of people who do not want to be called.
#[rustfmt::skip]
const DO_NOT_CALL: &[&str] = &[
    "do not call", "donotcall", "do not phone", "do not contact", "dnc", "dnd", "opt out", "opted out", "optout",
    "phone opt out", "call opt out", "unsubscribed", "no llamar", "no contactar", "nicht anrufen", "werbesperre",
    "ne pas appeler", "ne pas contacter", "nao ligar", "nao contatar", "nao perturbe",
];

/// Cells of such a column that say that somebody may be called.
const MAY_BE_CALLED: &[&str] =
    &["no", "n", "false", "0", "f", "nein", "non", "nao", "falso", "falsch", "faux"];

#[rustfmt::skip]
const TIMEZONES: &[&str] = &[
    "timezone", "time zone", "timezones", "tz", "iana timezone", "iana time zone", "timezone iana", "timezone name",
    "time zone name", "local timezone", "local time zone", "contact timezone", "contact time zone",
    "customer timezone", "customer time zone", "timezone id", "time zone id", "tzid", "zona horaria", "huso horario",
    "zeitzone", "fuseau horaire", "fuseau", "fuso horario", "fuso",
];

#[rustfmt::skip]
const PRIORITIES: &[&str] = &[
    "priority", "prio", "call priority", "contact priority", "lead priority", "prioridad", "prioritat",
    "prioritaet", "priorite", "prioridade",
];

#[rustfmt::skip]
const EXTENSIONS: &[&str] = &[
    "ext", "extn", "extension", "phone ext", "phone extension", "telephone extension", "tel ext", "extension number",
    "extension no", "ext no", "ext number", "phone extn", "extension telefonica", "extension de telefono", "interno",
    "anexo", "nebenstelle", "nebenstellennummer", "poste telephonique", "numero de poste", "no de poste", "ramal",
    "extensao",
];

/// How well a title says that its column holds phone numbers; the higher the better.
pub(super) fn phone_rank(title: &str) -> Option<u8> {
    let spelled = plain(title);
    // `iPhone` comes apart into two words, and is none of a phone column.
    let joined = plain(&title.to_lowercase());
    let words =
        || spelled.split(' ').chain(joined.split(' ')).map(|word| word.trim_end_matches(char::is_numeric));
    let is_one_of = |words: &[&str]| words.contains(&spelled.as_str()) || words.contains(&joined.as_str());
    let ends_like_one = |word: &str| PHONE_ENDS.iter().any(|end| word.ends_with(end));
    if words().any(|word| ["iphone", "smartphone"].contains(&word)) {
        None
    } else if is_one_of(PHONES) {
        Some(3)
    } else if words().any(|word| NOT_PHONES.contains(&word)) {
        None
    } else if words().any(|word| PHONE_PARTS.contains(&word) || ends_like_one(word)) {
        Some(2)
    } else if is_one_of(MAYBE_PHONES) {
        Some(1)
    } else {
        None
    }
}

/// Whether a title is one that this module knows.
pub(super) fn is_known(title: &str) -> bool {
    phone_rank(title).is_some()
        || [
            is_full_name,
            may_be_name,
            is_name,
            is_given_name,
            is_family_name,
            is_country,
            is_timezone,
            is_priority,
        ]
        .iter()
        .any(|is_it| is_it(title))
}

fn is_one_of(title: &str, words: &[&str]) -> bool {
    words.contains(&plain(title).as_str()) || words.contains(&plain(&title.to_lowercase()).as_str())
}

/// Whether the column holds whole names, whatever the others hold.
pub(super) fn is_full_name(title: &str) -> bool {
    is_one_of(title, FULL_NAMES)
}

/// Whether the column may hold whole names; its cells decide.
pub(super) fn may_be_name(title: &str) -> bool {
    is_one_of(title, MAYBE_NAMES)
}

/// Whether the column says who does not want to be called.
pub(super) fn is_do_not_call(title: &str) -> bool {
    is_one_of(title, DO_NOT_CALL)
}

/// Whether a cell of such a column asks not to be called.
pub(super) fn asks_not_to_be_called(cell: &str) -> bool {
    !cell.is_empty() && !is_one_of(cell, MAY_BE_CALLED)
}

/// Whether the column holds names: whole ones, or the part that another column lacks.
pub(super) fn is_name(title: &str) -> bool {
    is_one_of(title, NAMES)
}

/// Whether the column holds given names.
pub(super) fn is_given_name(title: &str) -> bool {
    is_one_of(title, GIVEN_NAMES)
}

/// Whether the column holds family names.
pub(super) fn is_family_name(title: &str) -> bool {
    is_one_of(title, FAMILY_NAMES)
}

/// Whether the column holds names of persons under a title of its own, such as "Patient name".
pub(super) fn is_some_name(title: &str) -> bool {
    let title = plain(title);
    let has = |words: &[&str]| title.split(' ').any(|word| words.contains(&word));
    has(NAME_PARTS) && !has(NOT_PERSONS)
}

/// Whether the column holds the countries of its numbers.
pub(super) fn is_country(title: &str) -> bool {
    is_one_of(title, COUNTRIES)
}

/// Whether the column may hold countries; its cells decide.
pub(super) fn may_be_country(title: &str) -> bool {
    is_one_of(title, MAYBE_COUNTRIES)
}

/// Whether the column holds time zones.
pub(super) fn is_timezone(title: &str) -> bool {
    is_one_of(title, TIMEZONES)
}

/// Whether the column holds priorities, or says so: its cells may be words such as `high`.
pub(super) fn is_priority(title: &str) -> bool {
    is_one_of(title, PRIORITIES)
}

/// Whether the column holds extensions, or says so: its cells may be something else that has extensions.
pub(super) fn is_extension(title: &str) -> bool {
    is_one_of(title, EXTENSIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_columns_are_known_in_five_languages_and_their_neighbours_are_not() {
        for (title, rank) in [
            ("Phone", Some(3)),
            ("PHONE_NUMBER", Some(3)),
            ("phoneNumber", Some(3)),
            ("Phone #", Some(3)),
            ("Cell-Phone", Some(3)),
            ("Teléfono", Some(3)),
            ("Nº de teléfono", Some(3)),
            ("N.º de teléfono", Some(3)),
            ("Móvil", Some(3)),
            ("Celular", Some(3)),
            ("Telefonnummer", Some(3)),
            ("Telefon-Nr.", Some(3)),
            ("Handynummer", Some(3)),
            ("Rufnummer", Some(3)),
            ("Téléphone", Some(3)),
            ("Numéro de téléphone", Some(3)),
            ("N° de téléphone", Some(3)),
            ("Tél. portable", Some(3)),
            ("Telemóvel", Some(3)),
            ("Número do celular", Some(3)),
            ("Work phone", Some(2)),
            ("Phone 1", Some(2)),
            ("Phone2", Some(2)),
            ("homePhone", Some(2)),
            ("workphone", Some(2)),
            ("Telefon privat", Some(2)),
            ("Privattelefon", Some(2)),
            ("Tel. oficina", Some(2)),
            ("Téléphone bureau", Some(2)),
            ("Telefone residencial", Some(2)),
            ("Number", Some(1)),
            ("Contact", Some(1)),
            ("Kontakt", Some(1)),
            ("Phone 1 - Value", Some(2)),
            ("Phone 1 - Label", None),
            ("Assistant's Phone", None),
            ("TTY/TDD Phone", None),
            ("Phonetic First Name", None),
            ("Phone type", None),
            ("Phone country", None),
            ("Fax", None),
            ("Fax number", None),
            ("Telefax", None),
            ("Country code", None),
            ("Number of kids", None),
            ("Best time to phone", None),
            ("Emergency phone", None),
            ("Phone verified", None),
            ("iPhone", None),
            ("iPhone model", None),
            ("Smartphone", None),
            ("Last call date", None),
            ("Call attempts", None),
            ("Tipo de teléfono", None),
            ("Telefontyp", None),
            ("Indicatif téléphone", None),
            ("Código do telefone", None),
            ("Account number", None),
            ("Kundennummer", None),
            ("Número de cliente", None),
            ("Company", None),
            ("", None),
        ] {
            assert_eq!(phone_rank(title), rank, "{title:?}");
        }
    }

    #[test]
    fn every_other_role_is_known_in_five_languages() {
        type Is = fn(&str) -> bool;
        let cases: [(Is, &[&str], &[&str]); 8] = [
            (
                is_full_name,
                &[
                    "Full Name",
                    "fullName",
                    "Nombre completo",
                    "Ansprechpartner",
                    "Nom et prénom",
                    "Nome completo",
                ],
                &["Company name", "Name", "Username"],
            ),
            (is_name, &["Name", "NOMBRE", "Nom", "Nome"], &["Names of kids", "Nominal"]),
            (
                is_given_name,
                &["First Name", "firstName", "Nombres", "Vorname", "Prénom", "Primeiro nome"],
                &["First contact", "First call"],
            ),
            (
                is_family_name,
                &["Last Name", "Surname", "Apellidos", "Nachname", "Nom de famille", "Sobrenome"],
                &["Last contact", "Last call"],
            ),
            (
                is_country,
                &["Country", "Country Code", "País", "Ländercode", "Pays", "Code pays"],
                &["County", "Country club", "Land"],
            ),
            (
                is_timezone,
                &[
                    "Timezone",
                    "Time Zone",
                    "timeZone",
                    "Zona horaria",
                    "Zeitzone",
                    "Fuseau horaire",
                    "Fuso horário",
                ],
                &["Time", "Zone", "Sales zone"],
            ),
            (
                is_priority,
                &["Priority", "Prioridad", "Priorität", "Priorité", "Prioridade"],
                &["Priority mail", "Prior"],
            ),
            (
                is_extension,
                &["Ext.", "Extension", "Extensión", "Nebenstelle", "Numéro de poste", "Ramal"],
                &["File extension", "Poste", "External id", "Durchwahl"],
            ),
        ];
        for (is_it, yes, no) in cases {
            for title in yes {
                assert!(is_it(title), "{title:?}");
            }
            for title in no {
                assert!(!is_it(title), "{title:?}");
            }
        }
        assert!(may_be_country("Land") && !may_be_country("Landline"));
    }

    #[test]
    fn whoever_a_list_is_of_may_be_its_names_and_their_ids_are_not() {
        for title in [
            "Patient",
            "Client",
            "Customer",
            "Student",
            "Pupil",
            "Parent/Guardian",
            "Member",
            "Paciente",
            "Cliente",
            "Alumno",
            "Alumna",
            "Padre o tutor",
            "Kunde",
            "Kundin",
            "Kunde/-in",
            "Schüler",
            "SCHÜLER",
            "Élève",
            "Adhérent",
            "Aluno",
            "Responsável",
        ] {
            assert!(may_be_name(title) && is_known(title), "{title}");
        }
        for title in [
            "Patient ID",
            "Customer number",
            "Customer No.",
            "Client code",
            "Student email",
            "Member since",
            "Membership",
            "Parent company",
            "Patient type",
            "Kundennummer",
            "Kunden-Nr.",
            "Código del cliente",
            "Nº de alumno",
            "Numéro client",
            "Matrícula do aluno",
            "Contact date",
        ] {
            assert!(!may_be_name(title) && !is_full_name(title) && !is_some_name(title), "{title}");
        }
    }

    #[test]
    fn a_companys_name_is_not_a_persons() {
        for title in ["Patient Name", "Student name", "Nombre del alumno", "Nome do aluno"] {
            assert!(is_some_name(title), "{title}");
        }
        for title in
            ["Company name", "Nombre de la empresa", "Nome da empresa", "Produkt Name", "Nome fantasia"]
        {
            assert!(!is_some_name(title), "{title}");
        }
    }

    #[test]
    fn words_stand_in_the_form_in_which_they_are_compared() {
        let lists = [
            PHONES,
            PHONE_PARTS,
            PHONE_ENDS,
            MAYBE_PHONES,
            NOT_PHONES,
            FULL_NAMES,
            MAYBE_NAMES,
            NAMES,
            GIVEN_NAMES,
            FAMILY_NAMES,
            NAME_PARTS,
            NOT_PERSONS,
            COUNTRIES,
            MAYBE_COUNTRIES,
            TIMEZONES,
            PRIORITIES,
            EXTENSIONS,
        ];
        for word in lists.concat() {
            assert_eq!(plain(word), word);
        }
    }
}
