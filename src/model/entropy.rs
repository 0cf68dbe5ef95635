//! The one place where randomness is drawn from the operating system.

/// `N` bytes from the operating system's random source.
///
/// Without that source no secret can be made safely, so the process ends rather than go on.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    let drawn = getrandom::fill(&mut bytes);
    if drawn.is_err() {
        std::process::abort();
    }
    bytes
}
