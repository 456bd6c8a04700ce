//! Captures and logs of any content, and the stories of what is in them: nothing panics, and what is
//! kept has its limits.
#![no_main]

// The reader and the stories belong to the command line and to no library: their sources are taken
// as they are.
#[allow(dead_code)]
#[path = "../../src/bin/sipxfer/capture/mod.rs"]
mod capture;
#[allow(dead_code)]
#[path = "../../src/bin/sipxfer/story/mod.rs"]
mod story;

use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    let kind = capture::Kind::of(bytes);
    let limits = story::Limits { calls: 8, open: 2, stories: 4, steps: 8, raw: 1_024 };
    let mut tracker = story::Tracker::new(limits);
    let mut messages = 0;
    let read = capture::read(kind, &mut Cursor::new(bytes), &mut |packet| {
        messages += 1;
        assert!(packet.raw.len() <= capture::LONGEST);
        tracker.packet(&packet);
    });
    let (stories, summary) = tracker.finish();
    assert!(read.is_ok() && summary.messages == messages && stories.len() <= limits.stories);
    for story in &stories {
        assert!(story.steps.len() <= limits.steps);
        let columns = story.parties.len();
        assert!(story.steps.iter().all(|step| step.from < columns && step.to < columns));
    }
});
