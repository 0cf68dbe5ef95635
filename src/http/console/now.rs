//! What happens now, on all nodes.

use super::sums::{DAY, HOUR, Sum, by, sums};
use super::{Frame, Page, PageRefused, Section};
use crate::http::admin::{Fields, Permit, rights};
use crate::http::{Problem, Services};
use crate::store::{CountFilter, Counted, SendingPause, Span};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Widths of a drawing and its bars.
const WIDTH: i64 = 720;
const HEIGHT: i64 = 120;

/// A minute of the drawing.
struct Bar {
    x: i64,
    sent: i64,
    approved: i64,
    at: Timestamp,
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

fn drawn(series: &[Counted], now: Timestamp) -> Vec<Bar> {
    let first = Span::Minute.start((now - HOUR).as_millisecond()) + Span::Minute.ms();
    let of = |at: i64, kinds: &[&str]| {
        let fits = series.iter().filter(|one| one.at == at && kinds.contains(&one.kind.as_str()));
        fits.map(|one| one.number).sum()
    };
    (0..60)
        .map(|minute| {
            let at = first + minute * Span::Minute.ms();
            Bar {
                x: minute * WIDTH / 60,
                sent: of(at, &["sent", "unknown"]),
                approved: of(at, &["approved"]),
                at: Timestamp::from_millisecond(at).unwrap_or(now),
            }
        })
        .collect()
}

/// `GET /admin/now`.
pub(in crate::http) async fn page(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SeeNow>,
) -> Result<Page<NowPage>, PageRefused> {
    let now = permit.now;
    let (last, all) = (sums(&services, HOUR, now).await?, sums(&services, DAY, now).await?);
    let filter = CountFilter { span: Span::Minute, from: now - HOUR, until: now + HOUR };
    let bars = drawn(&services.oversight.series(filter).await.map_err(Problem::from)?, now);
    let mut reasons: BTreeMap<String, i64> = BTreeMap::new();
    for one in all.iter().filter(|one| one.kind == "refused") {
        *reasons.entry(one.reason.clone()).or_default() += one.number;
    }
    let most = reasons.values().copied().max().unwrap_or(1);
    let mut reasons: Vec<_> =
        reasons.into_iter().map(|(reason, number)| (reason, number, number * 300 / most)).collect();
    reasons.sort_by_key(|(_, number, _)| -number);
    let all_of = |counted: &[Counted]| by(counted, |_| "").into_iter().next().unwrap_or_default();
    Ok(Page(NowPage {
        frame: permit.frame(Section::Now),
        hour: all_of(&last),
        day: all_of(&all),
        reasons,
        highest: bars.iter().map(|bar| bar.sent.max(bar.approved)).max().unwrap_or(0),
        bars,
        pause: services.oversight.sending_pause().await.map_err(Problem::from)?,
    }))
}

/// `POST /admin/now/sending`: stops all sending, or lets it go on.
pub(in crate::http) async fn switch(
    State(services): State<Arc<Services>>,
    permit: Permit<rights::SwitchSending>,
    fields: Fields,
) -> Result<Response, PageRefused> {
    let reason = fields.text("reason").trim();
    if fields.text("go") == "on" {
        services.oversight.resume_sending(permit.now).await.map_err(Problem::from)?;
    } else if reason.is_empty() {
        return Err(Problem::field("reason", "must say why, for whoever looks next").into());
    } else {
        let pause = SendingPause { reason: reason.to_owned(), at: permit.now };
        services.oversight.pause_sending(&pause).await.map_err(Problem::from)?;
    }
    Ok(Redirect::to("/admin/now").into_response())
}
