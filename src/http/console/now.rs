//! What happens now, on all nodes.

use super::series::Series;
use super::sums::{DAY, HOUR};
use super::{Frame, Page, PageRefused, Section};
use crate::http::admin::sums::{refusals, switch_sending};
use crate::http::admin::{Fields, Permit, rights};
use crate::http::{Problem, Services};
use crate::oversight::{Sum, by};
use crate::store::{Counted, SendingPause};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use std::sync::Arc;

/// Widths of a drawing and its bars.
const WIDTH: i64 = 720;
const HEIGHT: i64 = 120;
/// Minutes of the drawing.
const MINUTES: usize = 60;

/// A minute of the drawing.
struct Bar {
    x: i64,
    sent: i64,
    approved: i64,
    at: Timestamp,
}

/// What of the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Asked {
    /// `figures`: what is looked at anew every few seconds, which the day's drawing is not.
    part: String,
}

#[derive(Template)]
#[template(path = "now.html", config = "src/http/console/askama.toml")]
pub(in crate::http) struct NowPage {
    frame: Frame,
    hour: Sum,
    day: Sum,
    reasons: Vec<(String, i64, i64)>,
    bars: Vec<Bar>,
    highest: i64,
    /// The day for the drawing that a script makes.
    series: String,
    pause: Option<SendingPause>,
}

impl NowPage {
    /// How high a number of the drawing stands.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand references over")]
    fn height(&self, number: &i64) -> i64 {
        number * HEIGHT / self.highest.max(1)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand references over")]
    fn top(&self, number: &i64) -> i64 {
        HEIGHT - self.height(number)
    }
}

/// The last minutes side by side.
fn bars(minutes: &[(Timestamp, Sum)]) -> Vec<Bar> {
    let last = minutes.iter().rev().take(MINUTES).rev();
    last.zip(0..)
        .map(|((at, sum), place)| Bar {
            x: place * WIDTH / 60,
            sent: sum.sent,
            approved: sum.approved,
            at: *at,
        })
        .collect()
}

/// `GET /admin/now`.
pub(in crate::http) async fn page(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeNow>,
    Query(asked): Query<Asked>,
) -> Result<Page<NowPage>, PageRefused> {
    let (now, oversight) = (permit.now, &services.oversight);
    let last = oversight.counted(HOUR, now).await.map_err(Problem::from)?;
    let all = oversight.counted(DAY, now).await.map_err(Problem::from)?;
    let drawn = if asked.part == "figures" { HOUR } else { DAY };
    let minutes = oversight.minutes(drawn, now).await.map_err(Problem::from)?;
    let (bars, reasons) = (bars(&minutes), refusals(&all));
    let most = reasons.first().map_or(1, |(_, number)| *number).max(1);
    let all_of = |counted: &[Counted]| by(counted, |_| "").into_iter().next().unwrap_or_default();
    Ok(Page(NowPage {
        frame: permit.frame(Section::Now),
        hour: all_of(&last),
        day: all_of(&all),
        reasons: reasons.into_iter().map(|(reason, number)| (reason, number, number * 300 / most)).collect(),
        highest: bars.iter().map(|bar| bar.sent.max(bar.approved)).max().unwrap_or(0),
        bars,
        series: Series::of(&minutes).json(),
        pause: oversight.sending_pause().await.map_err(Problem::from)?,
    }))
}

/// `POST /admin/now/sending`: stops all sending, or lets it go on.
pub(in crate::http) async fn switch(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SwitchSending>,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let paused = fields.text("go") != "on";
    switch_sending(&services, paused, fields.text("reason"), permit.now).await?;
    Ok(Redirect::to("/admin/now").into_response())
}
