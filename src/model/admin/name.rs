//! The names of admins.

use std::fmt;

const LONGEST: usize = 64;

/// What an admin signs in with: 1 to 64 of `a-z 0-9 . _ - @`, read without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AdminName(String);

impl AdminName {
    /// Reads a name; `None` for what cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase();
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        (!name.is_empty() && name.len() <= LONGEST && name.chars().all(fits)).then_some(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AdminName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::AdminName;

    #[test]
    fn a_name_is_read_without_regard_to_case_and_holds_nothing_odd() {
        assert_eq!(AdminName::parse(" Anna.K@example.org "), AdminName::parse("anna.k@example.org"));
        for odd in ["", " ", "anna k", "an\nna", "änna", "<b>", &"a".repeat(65)] {
            assert_eq!(AdminName::parse(odd), None, "{odd:?}");
        }
    }
}
