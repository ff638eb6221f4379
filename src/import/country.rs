//! Countries as people write them in a column: ISO codes, calling codes, and names in English, Spanish, German,
//! French and Portuguese. Only names that mean one country stand here.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::plain::plain;
use crate::domain::phone::Region;

/// ISO 3166-1 alpha-2, alpha-3, the calling code where it means this country first of all, and names without accents.
type Country = (&'static str, &'static str, &'static str, &'static [&'static str]);

#[rustfmt::skip]
const COUNTRIES: &[Country] = &[
    ("US", "usa", "1", &["united states", "united states of america", "america", "estados unidos", "estados unidos de america", "eeuu", "ee uu", "vereinigte staaten", "vereinigte staaten von amerika", "etats unis", "etats unis d amerique", "estados unidos da america", "eua"]),
    ("CA", "can", "", &["canada", "kanada"]),
    ("MX", "mex", "52", &["mexico", "mejico", "mexiko", "mexique"]),
    ("GB", "gbr", "44", &["uk", "united kingdom", "great britain", "britain", "england", "scotland", "wales", "northern ireland", "reino unido", "gran bretana", "inglaterra", "escocia", "vereinigtes konigreich", "grossbritannien", "schottland", "royaume uni", "grande bretagne", "angleterre", "ecosse", "gra bretanha"]),
    ("IE", "irl", "353", &["ireland", "republic of ireland", "irlanda", "irland", "irlande"]),
    ("DE", "deu", "49", &["germany", "alemania", "deutschland", "bundesrepublik deutschland", "brd", "allemagne", "alemanha"]),
    ("AT", "aut", "43", &["austria", "osterreich", "oesterreich", "autriche"]),
    ("CH", "che", "41", &["switzerland", "suiza", "schweiz", "suisse", "suica", "svizzera"]),
    ("LI", "lie", "423", &["liechtenstein"]),
    ("LU", "lux", "352", &["luxembourg", "luxemburgo", "luxemburg"]),
    ("FR", "fra", "33", &["france", "francia", "frankreich", "franca"]),
    ("MC", "mco", "377", &["monaco"]),
    ("BE", "bel", "32", &["belgium", "belgica", "belgien", "belgique", "belgie"]),
    ("NL", "nld", "31", &["netherlands", "the netherlands", "holland", "paises bajos", "holanda", "niederlande", "pays bas", "hollande", "paises baixos", "nederland"]),
    ("ES", "esp", "34", &["spain", "espana", "spanien", "espagne", "espanha"]),
    ("PT", "prt", "351", &["portugal"]),
    ("IT", "ita", "39", &["italy", "italia", "italien", "italie"]),
    ("SM", "smr", "378", &["san marino"]),
    ("AD", "and", "376", &["andorra", "andorre"]),
    ("MT", "mlt", "356", &["malta", "malte"]),
    ("GR", "grc", "30", &["greece", "grecia", "griechenland", "grece"]),
    ("CY", "cyp", "357", &["cyprus", "chipre", "zypern", "chypre"]),
    ("DK", "dnk", "45", &["denmark", "dinamarca", "danemark", "danmark"]),
    ("SE", "swe", "46", &["sweden", "suecia", "schweden", "suede", "sverige"]),
    ("NO", "nor", "47", &["norway", "noruega", "norwegen", "norvege", "norge"]),
    ("FI", "fin", "358", &["finland", "finlandia", "finnland", "finlande", "suomi"]),
    ("IS", "isl", "354", &["iceland", "islandia", "island", "islande"]),
    ("PL", "pol", "48", &["poland", "polonia", "polen", "pologne", "polska"]),
    ("CZ", "cze", "420", &["czech republic", "czechia", "republica checa", "chequia", "tschechien", "tschechische republik", "republique tcheque", "tchequie", "republica tcheca", "tchequia"]),
    ("SK", "svk", "421", &["slovakia", "eslovaquia", "slowakei", "slovaquie"]),
    ("HU", "hun", "36", &["hungary", "hungria", "ungarn", "hongrie"]),
    ("RO", "rou", "40", &["romania", "rumania", "rumanien", "roumanie", "romenia"]),
    ("BG", "bgr", "359", &["bulgaria", "bulgarien", "bulgarie"]),
    ("HR", "hrv", "385", &["croatia", "croacia", "kroatien", "croatie"]),
    ("SI", "svn", "386", &["slovenia", "eslovenia", "slowenien", "slovenie"]),
    ("RS", "srb", "381", &["serbia", "serbien", "serbie", "servia"]),
    ("EE", "est", "372", &["estonia", "estland", "estonie"]),
    ("LV", "lva", "371", &["latvia", "letonia", "lettland", "lettonie"]),
    ("LT", "ltu", "370", &["lithuania", "lituania", "litauen", "lituanie"]),
    ("UA", "ukr", "380", &["ukraine", "ucrania"]),
    ("RU", "rus", "7", &["russia", "russian federation", "rusia", "russland", "russie"]),
    ("TR", "tur", "90", &["turkey", "turkiye", "turquia", "turkei", "turquie"]),
    ("IL", "isr", "972", &["israel"]),
    ("AE", "are", "971", &["united arab emirates", "uae", "emiratos arabes unidos", "vereinigte arabische emirate", "emirats arabes unis", "emirados arabes unidos"]),
    ("SA", "sau", "966", &["saudi arabia", "arabia saudita", "saudi arabien", "arabie saoudite"]),
    ("EG", "egy", "20", &["egypt", "egipto", "agypten", "egypte", "egito"]),
    ("MA", "mar", "212", &["morocco", "marruecos", "marokko", "maroc", "marrocos"]),
    ("DZ", "dza", "213", &["algeria", "argelia", "algerien", "algerie"]),
    ("TN", "tun", "216", &["tunisia", "tunez", "tunesien", "tunisie"]),
    ("SN", "sen", "221", &["senegal"]),
    ("CI", "civ", "225", &["ivory coast", "costa de marfil", "elfenbeinkuste", "cote d ivoire", "costa do marfim"]),
    ("CM", "cmr", "237", &["cameroon", "camerun", "kamerun", "cameroun", "camaroes"]),
    ("NG", "nga", "234", &["nigeria"]),
    ("KE", "ken", "254", &["kenya", "kenia", "quenia"]),
    ("GH", "gha", "233", &["ghana", "gana"]),
    ("ZA", "zaf", "27", &["south africa", "sudafrica", "sudafrika", "afrique du sud", "africa do sul"]),
    ("AO", "ago", "244", &["angola"]),
    ("MZ", "moz", "258", &["mozambique", "mosambik", "mocambique"]),
    ("IN", "ind", "91", &["india", "indien", "inde"]),
    ("PK", "pak", "92", &["pakistan", "paquistan", "paquistao"]),
    ("BD", "bgd", "880", &["bangladesh"]),
    ("CN", "chn", "86", &["china", "chine", "people s republic of china"]),
    ("HK", "hkg", "852", &["hong kong", "hongkong"]),
    ("TW", "twn", "886", &["taiwan"]),
    ("JP", "jpn", "81", &["japan", "japon", "japao"]),
    ("KR", "kor", "82", &["south korea", "korea", "republic of korea", "corea del sur", "sudkorea", "coree du sud", "coreia do sul"]),
    ("SG", "sgp", "65", &["singapore", "singapur", "singapour", "singapura"]),
    ("MY", "mys", "60", &["malaysia", "malasia", "malaisie"]),
    ("ID", "idn", "62", &["indonesia", "indonesien", "indonesie"]),
    ("PH", "phl", "63", &["philippines", "filipinas", "philippinen"]),
    ("TH", "tha", "66", &["thailand", "tailandia", "thailande"]),
    ("VN", "vnm", "84", &["vietnam", "viet nam", "vietna"]),
    ("AU", "aus", "61", &["australia", "australien", "australie"]),
    ("NZ", "nzl", "64", &["new zealand", "nueva zelanda", "nueva zelandia", "neuseeland", "nouvelle zelande", "nova zelandia"]),
    ("BR", "bra", "55", &["brazil", "brasil", "brasilien", "bresil"]),
    ("AR", "arg", "54", &["argentina", "argentinien", "argentine"]),
    ("CL", "chl", "56", &["chile", "chili"]),
    ("CO", "col", "57", &["colombia", "kolumbien", "colombie"]),
    ("PE", "per", "51", &["peru", "perou"]),
    ("VE", "ven", "58", &["venezuela"]),
    ("EC", "ecu", "593", &["ecuador", "equateur", "equador"]),
    ("BO", "bol", "591", &["bolivia", "bolivien", "bolivie"]),
    ("PY", "pry", "595", &["paraguay", "paraguai"]),
    ("UY", "ury", "598", &["uruguay", "uruguai"]),
    ("CR", "cri", "506", &["costa rica"]),
    ("PA", "pan", "507", &["panama"]),
    ("GT", "gtm", "502", &["guatemala"]),
    ("HN", "hnd", "504", &["honduras"]),
    ("SV", "slv", "503", &["el salvador"]),
    ("NI", "nic", "505", &["nicaragua"]),
    ("CU", "cub", "53", &["cuba", "kuba"]),
    ("DO", "dom", "", &["dominican republic", "republica dominicana", "dominikanische republik", "republique dominicaine"]),
    ("JM", "jam", "", &["jamaica", "jamaika", "jamaique"]),
    ("TT", "tto", "", &["trinidad and tobago", "trinidad y tobago", "trinidad und tobago"]),
    ("PR", "pri", "", &["puerto rico", "porto rico"]),
    ("GE", "geo", "995", &["georgia", "georgien", "georgie"]),
];

static BY_NAME: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let names =
        |(code, alpha3, _, names): &'static Country| names.iter().chain([alpha3]).map(|name| (*name, *code));
    COUNTRIES.iter().flat_map(names).collect()
});

/// The country that a cell names, if it is certain which.
pub(super) fn country(text: &str) -> Option<Region> {
    let text = text.trim();
    if text.len() == 2
        && let Ok(region) = Region::parse(text)
    {
        return Some(region);
    }
    if text.contains(|c: char| c.is_ascii_digit()) {
        return by_calling_code(text);
    }
    let name = plain(text);
    let code = BY_NAME.get(name.as_str()).or_else(|| {
        // `U.S.A.` comes apart into letters.
        let joined = name.split(' ').all(|word| word.len() == 1).then(|| name.replace(' ', ""))?;
        BY_NAME.get(joined.as_str()).or(if joined == "us" { Some(&"US") } else { None })
    })?;
    Region::parse(code).ok()
}

/// Whether a text is the full name of a country, and nothing that could be a state or a short code as well.
pub(super) fn is_country_name(text: &str) -> bool {
    text.chars().count() > 3 && country(text).is_some_and(|region| region.to_string() != "GE")
}

fn by_calling_code(text: &str) -> Option<Region> {
    let digits = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).unwrap_or(text);
    let (code, ..) = COUNTRIES.iter().find(|(_, _, calling, _)| !calling.is_empty() && *calling == digits)?;
    Region::parse(code).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_understood_in_five_languages_and_as_a_code() {
        for (text, expected) in [
            ("US", "US"),
            ("us", "US"),
            ("UK", "GB"),
            ("U.S.A.", "US"),
            ("U.S.", "US"),
            ("USA", "US"),
            ("DEU", "DE"),
            ("+49", "DE"),
            ("0049", "DE"),
            ("44", "GB"),
            ("Germany", "DE"),
            ("Alemania", "DE"),
            ("Deutschland", "DE"),
            ("Allemagne", "DE"),
            ("Alemanha", "DE"),
            ("ESPAÑA", "ES"),
            ("Österreich", "AT"),
            ("États-Unis", "US"),
            ("Estados Unidos", "US"),
            ("Großbritannien", "GB"),
            ("México", "MX"),
            ("Côte d'Ivoire", "CI"),
            ("The Netherlands", "NL"),
        ] {
            assert_eq!(country(text).map(|region| region.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "Atlantis", "XX", "999", "+4", "Europe", "N/A", "Georgia, US"] {
            assert_eq!(country(text), None, "{text}");
        }
    }

    #[test]
    fn every_listed_country_can_be_called_and_no_name_means_two() {
        let mut names = std::collections::HashMap::new();
        for (code, alpha3, _, all) in COUNTRIES {
            assert!(Region::parse(code).is_ok(), "{code}");
            for name in all.iter().chain([alpha3]) {
                assert_eq!(plain(name), *name, "names stand here as they are compared");
                assert_eq!(names.insert(*name, code), None, "{name}");
            }
        }
    }
}
