//! `/imports/{import}/sample`: what somebody of a list would hear, as a part of the page on which the script is written. What is
//! wrong with the script is said in the words in which the API would refuse it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::db::campaigns::find_campaign;
use crate::domain::access::Permission;
use crate::domain::agent::Agent;
use crate::domain::answering_machine::{AnsweringMachine, Hears};
use crate::domain::attempt::AnsweredBy;
use crate::domain::outcome::Outcome;
use crate::domain::settings::Settings;
use crate::domain::suppression::OptOutDigit;
use crate::domain::template::variable_name;
use crate::http::campaigns::script::{agent, check_script};
use crate::http::edit::kept_agent;
use crate::http::{Api, Methods, Problem, Query, Visitor, heard, read_json, resource, settings_of_new};

use super::new_preview::{First, Report, load, report};
use super::parts::phone;
use super::{render, words};

pub(super) fn pages() -> Vec<Methods> {
    vec![resource("/imports/{import}/sample").get(Permission::CampaignsCreate, show)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleQuery {
    /// What is said, as JSON.
    settings: Option<String>,
    /// Which of the first rows, from 0.
    row: Option<usize>,
    /// The campaign that was made of the list: its agent speaks where no other is said.
    campaign: Option<Uuid>,
}

/// What of a campaign's settings says what is heard.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    agent: Option<Agent>,
    agent_id: Option<Uuid>,
    answering_machine: Option<AnsweringMachine>,
    opt_out_digit: Option<OptOutDigit>,
}

#[derive(Template)]
#[template(path = "dashboard/new_sample.html")]
struct Page {
    /// What the script may name, with blanks between.
    variables: String,
    sample: Sample,
}

/// What is shown.
enum Sample {
    /// Somebody hears this.
    Heard {
        /// Who.
        who: String,
        /// The number.
        phone: String,
        /// What he hears, or from where.
        text: String,
        /// What a machine hears instead, if one does.
        message: Option<String>,
        /// Another row, if there is one.
        next: Option<usize>,
    },
    /// The script cannot be used.
    Wrong(String),
    /// There is nobody, or nothing is said yet.
    Nobody,
}

async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    import: web::Path<Uuid>,
    Query(query): Query<SampleQuery>,
) -> Result<HttpResponse, Problem> {
    let report = report(&load(&api, &visitor, *import).await?)?;
    let own = ["name", "phone"].map(str::to_owned).into_iter();
    let variables = own.chain(report.columns.iter().map(|column| variable_name(column)));
    let variables = variables.collect::<Vec<_>>().join(" ");
    let Some(settings) = query.settings else {
        return render(&Page { variables, sample: Sample::Nobody });
    };
    let of = (query.campaign, query.row.unwrap_or(0));
    let sample = match sample(&api, &visitor, &report, &settings, of).await {
        Ok(sample) => sample,
        Err(problem) if problem.status_code() == StatusCode::UNPROCESSABLE_ENTITY => Sample::wrong(&problem),
        Err(problem) => return Err(problem),
    };
    render(&Page { variables, sample })
}

impl Sample {
    /// Why the script cannot be used. Which member of the JSON it is about can be seen: it stands beside.
    fn wrong(problem: &Problem) -> Self {
        let (_, detail) = problem.told();
        let about_script = detail.split_once(": ").filter(|(path, _)| path.starts_with("agent."));
        Self::Wrong(words::sentence(about_script.map_or(detail, |(_, sentence)| sentence)))
    }
}

async fn sample(
    api: &Api,
    visitor: &Visitor,
    report: &Report,
    settings: &str,
    (campaign, row): (Option<Uuid>, usize),
) -> Result<Sample, Problem> {
    let said: Said = read_json(settings.as_bytes(), "bad-settings")?;
    let campaign = match campaign {
        None => None,
        Some(id) => {
            let found = find_campaign(&api.board.database, visitor.caller.team, id).await?;
            Some(found.ok_or_else(|| Problem::not_found("campaign"))?)
        }
    };
    let speaks = match (&said.agent, said.agent_id, &campaign) {
        (None, None, None) => return Ok(Sample::Nobody),
        (None, None, Some(campaign)) => kept_agent(campaign)?,
        (given, id, _) => agent(api, visitor.caller, given.as_ref(), id).await?,
    };
    let before = campaign.map_or_else(|| settings_of_new(api), |campaign| Ok(campaign.settings))?;
    let settings = Settings {
        answering_machine: said.answering_machine.unwrap_or_else(|| before.answering_machine.clone()),
        opt_out_digit: said.opt_out_digit,
        ..before
    };
    check_script(&speaks, &settings, &report.columns, &report.taken())?;
    let row = if row < report.first.len() { row } else { 0 };
    let Some(first) = report.first.get(row) else { return Ok(Sample::Nobody) };
    let hears = |outcome| hears(&speaks, &settings, first, outcome);
    let leaves_message = settings.answering_machine.hears(Some(AnsweredBy::MachineStart)) != Hears::Script;
    Ok(Sample::Heard {
        who: first.name.clone().unwrap_or_else(|| "the called person".to_owned()),
        phone: phone(api, visitor.caller.role, &first.phone),
        text: hears(Outcome::Answered).unwrap_or_default(),
        message: hears(Outcome::Machine).filter(|_| leaves_message),
        next: (report.first.len() > 1).then(|| (row + 1) % report.first.len()),
    })
}

fn hears(agent: &Agent, settings: &Settings, first: &First, outcome: Outcome) -> Option<String> {
    let metadata = Value::Object(first.metadata.clone());
    let contact = (first.name.as_deref(), first.phone.as_str(), &metadata);
    heard((agent, &settings.answering_machine), contact, outcome)
}
