//! What operators ask for: figures, traces, and for how long personal data is kept.

use std::time::Duration;

use url::Url;

use super::reader::Reader;
use super::secret::Secret;

/// What operators ask for.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    /// What opens the page of figures; without it the page is closed.
    pub metrics_token: Option<Secret>,
    /// Where spans are sent, if anywhere.
    pub traces: Option<Traces>,
    /// For how long personal data is kept.
    pub keep: Keep,
}

/// Where spans are sent, in the words of OpenTelemetry's variables.
/// <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>
#[derive(Debug, Clone)]
pub struct Traces {
    /// Where they are posted to.
    pub url: Url,
    /// What goes along as headers, such as a key.
    pub headers: Vec<(String, Secret)>,
    /// How long the collector may take.
    pub timeout: Duration,
    /// As what the spans are shown.
    pub service: String,
}

/// For how long personal data is kept after its campaign has ended; where nothing is said, for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Days for which contacts keep names, numbers and metadata, and their attempts and refused rows with them.
    pub contacts: Option<u32>,
    /// Days for which attempts keep numbers and the provider's ids and words.
    pub attempts: Option<u32>,
    /// Days for which events are kept.
    pub events: Option<u32>,
}

/// The longest that anything can be kept without being kept for ever: a slip, if it is more.
const MOST_DAYS: u32 = 36_500;

/// How long a collector may take unless something else is said, as the specification has it.
const TIMEOUT_MILLIS: u64 = 10_000;

/// More headers than any collector asks for.
const MOST_HEADERS: usize = 32;

pub(super) fn read<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Operations {
    let metrics_token = reader.read("OUTDIAL_METRICS_TOKEN", super::token);
    let keep = Keep {
        contacts: reader.read("OUTDIAL_KEEP_CONTACTS", days),
        attempts: reader.read("OUTDIAL_KEEP_ATTEMPTS", days),
        events: reader.read("OUTDIAL_KEEP_EVENTS", days),
    };
    Operations { metrics_token, traces: read_traces(reader), keep }
}

/// A span such as `400d`.
fn days(text: &str) -> Result<u32, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    days.filter(|days| (1..=MOST_DAYS).contains(days))
        .ok_or_else(|| format!("expected whole days from 1d to {MOST_DAYS}d, such as 400d, got {text:?}"))
}

fn read_traces<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<Traces> {
    // Everything is read, so that whatever is wrong is told, whether traces are on or not.
    let base = reader.read("OTEL_EXPORTER_OTLP_ENDPOINT", |text| collector(text, "v1/traces"));
    let whole = reader.read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", |text| collector(text, ""));
    let headers = reader.read("OTEL_EXPORTER_OTLP_HEADERS", headers).unwrap_or_default();
    let millis =
        reader.parse("OTEL_EXPORTER_OTLP_TIMEOUT", "milliseconds from 1 to 60000", |millis: &u64| {
            (1..=60_000).contains(millis)
        });
    let service = reader.text("OTEL_SERVICE_NAME").unwrap_or_else(|| "outdial".to_owned());
    let protocol = reader.read("OTEL_EXPORTER_OTLP_PROTOCOL", |text| match text {
        "http/json" => Ok(()),
        _ => Err(format!("expected http/json, which collectors take on their HTTP port, got {text:?}")),
    });
    let is_disabled = reader.text("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let _ = protocol;
    let url = whole.or(base).filter(|_| !is_disabled)?;
    let timeout = Duration::from_millis(millis.unwrap_or(TIMEOUT_MILLIS));
    Some(Traces { url, headers, timeout, service })
}

/// A collector's address; where only its base is given, the path of the signal goes below it.
fn collector(text: &str, below: &str) -> Result<Url, String> {
    const EXAMPLE: &str = "such as http://localhost:4318";
    let mut url = Url::parse(text).map_err(|error| format!("expected a URL {EXAMPLE}: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("expected http or https, {EXAMPLE}, got {}", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("expected a URL without a user; keys go into OTEL_EXPORTER_OTLP_HEADERS".to_owned());
    }
    if !below.is_empty() {
        let path = format!("{}/{below}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

/// `name=value,name=value`, the values as in a URL: <https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables>.
/// No value appears in the error.
fn headers(text: &str) -> Result<Vec<(String, Secret)>, String> {
    let pairs: Vec<&str> = text.split(',').filter(|pair| !pair.trim().is_empty()).collect();
    if pairs.len() > MOST_HEADERS {
        return Err(format!("expected at most {MOST_HEADERS} headers, got {}", pairs.len()));
    }
    let read = |(number, pair): (usize, &&str)| {
        let bad =
            || format!("expected name=value, and of characters that a header may have, as header {number}");
        let (name, value) = pair.trim().split_once('=').ok_or_else(bad)?;
        // A plus sign is one here, and a blank in a form.
        let value = form_urlencoded::parse(format!("v={}", value.trim().replace('+', "%2B")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = !name.is_empty()
            && name.bytes().all(is_name)
            && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if fits { Ok((name.to_ascii_lowercase(), Secret::new(value))) } else { Err(bad()) }
    };
    (1..).zip(&pairs).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_so_many_days() {
        assert_eq!(days("400d"), Ok(400));
        for bad in ["400", "d", "0d", "-1d", "1.5d", "36501d", "400 d", "1y"] {
            assert!(days(bad).unwrap_err().contains("such as 400d"), "{bad}");
        }
    }

    #[test]
    fn the_path_of_the_signal_goes_below_a_base_and_a_whole_address_stays() {
        let base = |text| collector(text, "v1/traces").unwrap().to_string();
        assert_eq!(base("http://localhost:4318"), "http://localhost:4318/v1/traces");
        assert_eq!(base("https://otel.example.com/ingest/"), "https://otel.example.com/ingest/v1/traces");
        assert_eq!(collector("http://localhost/x", "").unwrap().as_str(), "http://localhost/x");
        for bad in ["localhost:4318", "grpc://localhost", "http://user:pass@localhost"] {
            assert!(collector(bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_are_pairs_and_a_bad_one_is_refused_without_its_value() {
        let read = headers("api-key=a%20b+c%3D, X-Team=ops").unwrap();
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(read, [("api-key", "a b+c="), ("x-team", "ops")]);
        for bad in ["hunter2", "a=b,=hunter2", "a b=hunter2", "a=hunter2%0A"] {
            let error = headers(bad).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
