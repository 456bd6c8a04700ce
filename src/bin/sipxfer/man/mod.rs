//! The manual pages, in the roff of man(7), made from what the program, the registry of settings
//! and the header say anyway.

mod command;
mod library;
mod roff;
mod settings;

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Command,
    Library,
    Settings,
}

impl Page {
    /// The names, as a sentence has them.
    pub const NAMES: &'static str = "sipxfer.1, libsipxfer.3 or sipxfer.conf.5";

    /// By the name of its file.
    pub fn of(name: &str) -> Option<Page> {
        match name {
            "sipxfer.1" => Some(Page::Command),
            "libsipxfer.3" => Some(Page::Library),
            "sipxfer.conf.5" => Some(Page::Settings),
            _ => None,
        }
    }
}

/// The text of a page.
pub fn text(page: Page) -> String {
    match page {
        Page::Command => command::page(),
        Page::Library => library::page(),
        Page::Settings => settings::page(),
    }
}
