//! Bare stores.
use crate::{Effort, fill::Filled, report::Report};
pub(crate) fn measure(_: &Filled, _: Effort, _: &mut Report) {}
