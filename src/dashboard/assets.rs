//! What the pages load: styles, scripts and the icon, as they lie in `assets/dashboard`. An address names what it leads to by a
//! hash, so that browsers may keep it for ever.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use flate2::Compression;
use sha2::{Digest, Sha256};

use crate::http::{Methods, Problem, open};

use super::dress::{gzip, takes_gzip};

/// The parts of our own script, in their order: the first makes the page light or dark before anything is shown.
const SCRIPT: &str = concat!(
    include_str!("../../assets/dashboard/script/theme.js"),
    include_str!("../../assets/dashboard/script/places.js"),
    include_str!("../../assets/dashboard/script/times.js"),
    include_str!("../../assets/dashboard/script/notices.js"),
    include_str!("../../assets/dashboard/script/forms.js"),
    include_str!("../../assets/dashboard/script/form.js"),
    include_str!("../../assets/dashboard/script/upload.js"),
    include_str!("../../assets/dashboard/script/dialogs.js"),
    include_str!("../../assets/dashboard/script/edit.js"),
    include_str!("../../assets/dashboard/script/answers.js"),
    include_str!("../../assets/dashboard/script/live.js"),
);

const VENDOR: &str = concat!(
    include_str!("../../assets/dashboard/vendor/htmx.min.js"),
    "\n",
    include_str!("../../assets/dashboard/vendor/idiomorph-ext.min.js"),
);

const STYLE: &str = include_str!("../../assets/dashboard/style.css");
const ICON: &str = include_str!("../../assets/dashboard/icon.svg");

/// Bytes of a hash that stand in an address.
const HASH: usize = 6;

/// A file as it is served.
struct File {
    name: &'static str,
    kind: &'static str,
    hash: String,
    plain: &'static str,
    compressed: Bytes,
}

/// The addresses of what every page loads.
pub(super) struct Addresses {
    /// Our styles.
    pub(super) style: String,
    /// Our script.
    pub(super) script: String,
    /// The libraries that it needs.
    pub(super) vendor: String,
    /// The icon.
    pub(super) icon: String,
}

static FILES: LazyLock<[File; 4]> = LazyLock::new(|| {
    const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
    [
        file("style.css", "text/css; charset=utf-8", STYLE),
        file("outdial.js", JAVASCRIPT, SCRIPT),
        file("vendor.js", JAVASCRIPT, VENDOR),
        file("icon.svg", "image/svg+xml", ICON),
    ]
});

static ADDRESSES: LazyLock<Addresses> = LazyLock::new(|| {
    let [style, script, vendor, icon] =
        FILES.each_ref().map(|file| format!("/assets/{}/{}", file.hash, file.name));
    Addresses { style, script, vendor, icon }
});

/// The addresses of what every page loads.
pub(super) fn addresses() -> &'static Addresses {
    &ADDRESSES
}

pub(super) fn files() -> Vec<Methods> {
    vec![open("/assets/{hash}/{name}").get(serve).into()]
}

fn file(name: &'static str, kind: &'static str, plain: &'static str) -> File {
    let digest = Sha256::digest(plain.as_bytes());
    let hash = digest[..HASH].iter().map(|byte| format!("{byte:02x}")).collect();
    let compressed = gzip(plain.as_bytes(), Compression::best()).expect("memory can be written to");
    File { name, kind, hash, plain, compressed: compressed.into() }
}

async fn serve(path: web::Path<(String, String)>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (hash, name) = path.into_inner();
    let file = FILES.iter().find(|file| file.name == name).ok_or_else(|| Problem::not_found("file"))?;
    // A page of the version before, or of the next on another server, is better served than not.
    let keep = if file.hash == hash { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut answer = HttpResponse::Ok();
    answer
        .content_type(file.kind)
        .insert_header((CACHE_CONTROL, keep))
        .insert_header((VARY, "Accept-Encoding"));
    if !takes_gzip(request.headers()) {
        return Ok(answer.body(file.plain));
    }
    Ok(answer.insert_header((CONTENT_ENCODING, "gzip")).body(file.compressed.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule that is not closed takes all that stand behind it away, and browsers say nothing of it.
    #[test]
    fn every_rule_of_the_styles_is_closed_where_the_next_section_begins() {
        let mut depth = 0;
        for (line, number) in STYLE.lines().zip(1..) {
            assert!(
                depth == 0 || !line.starts_with("/*"),
                "line {number}: a section begins inside of a rule"
            );
            depth += line.matches('{').count();
            depth -= line.matches('}').count();
        }
        assert_eq!(depth, 0);
    }
}
