//! Header names that no setting can let into a triggered request.

/// Names, and beginnings of names.
#[derive(Clone, Copy, Debug)]
pub struct HeaderNames {
    exact: &'static [&'static str],
    beginning: &'static [&'static str],
}

/// They identify or route the request, or describe its body (R091). The compact forms mean the
/// same headers.
pub const ROUTES: HeaderNames = HeaderNames {
    exact: &[
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "Via",
        "Route",
        "Record-Route",
        "Max-Forwards",
        "Contact",
        "body",
        "Allow",
        "Supported",
        "User-Agent",
        "Referred-By",
        "Refer-To",
        "MIME-Version",
        "f",
        "t",
        "i",
        "v",
        "m",
        "c",
        "e",
        "l",
        "k",
        "b",
        "r",
    ],
    beginning: &["Content-", "Accept"],
};

/// They prove or assert who somebody is (R094).
pub const PROVES: HeaderNames = HeaderNames {
    exact: &["Remote-Party-ID", "Diversion", "History-Info", "Privacy", "Session-ID", "y", "n"],
    beginning: &["Authorization", "Proxy-", "P-", "Identity"],
};

impl HeaderNames {
    /// Whether this name is one of them, in any case.
    pub fn hold(&self, name: impl Iterator<Item = u8> + Clone) -> bool {
        let name = name.map(|byte| byte.to_ascii_lowercase());
        // A message may hold thousands of names: most differ in their first letter.
        let first = name.clone().next();
        let may = |known: &str| known.bytes().next().map(|it| it.to_ascii_lowercase()) == first;
        let same = |known: &str| {
            may(known) && name.clone().eq(known.bytes().map(|it| it.to_ascii_lowercase()))
        };
        let begins = |start: &str| {
            let begin = name.clone().take(start.len());
            may(start) && begin.eq(start.bytes().map(|it| it.to_ascii_lowercase()))
        };
        self.exact.iter().any(|known| same(known)) || self.beginning.iter().any(|it| begins(it))
    }
}
