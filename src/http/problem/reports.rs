//! Callbacks that were not believed.

use super::Problem;
use crate::verification::ReportRefused;

impl Problem {
    /// A callback changed nothing.
    #[must_use]
    pub fn report(refused: &ReportRefused) -> Self {
        match refused {
            ReportRefused::UnknownGateway => Self::not_found(),
            ReportRefused::SignatureInvalid => {
                let detail = "The signature does not fit. Operators: compare the gateway's secret, and \
                    `server.public_url` with the address that was called.";
                Self::new(403, "signature_invalid", "The signature does not fit", detail)
            }
            ReportRefused::Failed(cause) => Self::unavailable(cause),
        }
    }
}
