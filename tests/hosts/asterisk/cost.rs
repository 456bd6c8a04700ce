//! What a transfer costs: processor time and memory of an Asterisk at a steady rate of transfers, with
//! its own module and with the one of this project.

use super::counters::stat;
use super::load::memory;
use super::rate::{Load, Run};
use super::world::{Scene, World, TRUNK};
use super::Module;
use crate::ua::PATIENCE;
use std::fs;
use std::time::{Duration, Instant};

/// The least rate, in transfers a second.
const LEAST: u32 = 20;
/// So much more processor time may a transfer cost than with Asterisk's module.
const GOAL: f64 = 1.05;
/// The heap of an Asterisk breathes by so many MiB, with any module.
const BREATH: f64 = 16.0;
/// How long one is played before the next has its turn.
const TURN: Duration = Duration::from_secs(4);
/// How long a rate is tried.
const WARM: Duration = Duration::from_secs(10);
/// How often each is measured.
const ROUNDS: usize = 5;

/// The processor time that a process has taken, in seconds.
fn processor_time(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running process");
    // The name in parentheses may hold anything; what counts are fields 14 and 15 (proc(5)).
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let mut fields = behind.split_whitespace().skip(11);
    let mut next = || -> f64 { fields.next().and_then(|one| one.parse().ok()).expect("a number") };
    // USER_HZ is 100 on every Linux.
    (next() + next()) / 100.0
}

/// A world and its phones.
struct Bench<'w> {
    name: &'static str,
    world: &'w World,
    load: Load,
    /// Processor time of a transfer in each round, in milliseconds.
    costs: Vec<f64>,
    /// KiB behind each round.
    memory: Vec<u64>,
    /// How many REFERs were sent.
    done: u64,
}

impl Bench<'_> {
    fn new<'w>(name: &'static str, world: &'w World, scene: &Scene<'_>) -> Bench<'w> {
        let load = Load::new(scene);
        Bench { name, world, load, costs: Vec::new(), memory: Vec::new(), done: 0 }
    }

    fn play(&mut self, rate: u32, how_long: Duration) -> (Run, f64) {
        let before = processor_time(self.world.a.pid());
        let run = self.load.run(rate, how_long);
        let spent = processor_time(self.world.a.pid()) - before;
        self.done += (run.done + run.early) as u64;
        (run, spent * 1000.0 / run.done as f64)
    }

    fn mean(&self) -> f64 {
        self.costs.iter().sum::<f64>() / self.costs.len() as f64
    }
}

/// A round of all: they take turns after a few seconds each, so that whatever else the machine does
/// meets all of them alike, and each is counted from the beginning to the end of the round, with what
/// it does behind its transfers.
fn round(benches: &mut [Bench<'_>], number: usize, rate: u32, how_long: Duration) {
    let time = |bench: &Bench<'_>| processor_time(bench.world.a.pid());
    let before: Vec<f64> = benches.iter().map(time).collect();
    let mut sums: Vec<Run> = benches.iter().map(|_| Run::default()).collect();
    let turns = (how_long.as_secs_f64() / TURN.as_secs_f64()).ceil() as usize;
    for turn in 0..turns {
        for step in 0..benches.len() {
            // Nobody is always the first.
            let which = (step + turn + number) % benches.len();
            let (run, _) = benches[which].play(rate, TURN);
            let sum = &mut sums[which];
            sum.done += run.done;
            sum.late += run.late;
            sum.repeated += run.repeated;
            sum.longest = sum.longest.max(run.longest);
        }
    }
    for (at, (bench, run)) in benches.iter_mut().zip(sums).enumerate() {
        let cost = (processor_time(bench.world.a.pid()) - before[at]) * 1000.0 / run.done as f64;
        let memory = memory(bench.world.a.pid());
        println!(
            "{:<22} {cost:6.3} ms a transfer, {} transfers, {} late, {} sent again, the longest {:.2} s, \
             {} MiB",
            bench.name,
            run.done,
            run.late,
            run.repeated,
            run.longest.as_secs_f64(),
            memory / 1024,
        );
        bench.costs.push(cost);
        bench.memory.push(memory);
    }
}

/// Waits until an Asterisk has no channel any more, and the module no transfer and no dialog.
fn nothing_is_left(world: &World, transfers: u64) {
    let end = Instant::now() + PATIENCE * 3;
    let channels = || world.a.cli("core show channels count");
    while !channels().contains("0 active channels") {
        assert!(Instant::now() < end, "{}", channels());
    }
    if world.module == Module::Stock {
        return;
    }
    let stats =
        || world.a.cli("sipxfer show stats").split_whitespace().collect::<Vec<_>>().join(" ");
    let none = ["Transfers under way: 0 ", "Dialogs known: 0 (0 sessions)"];
    while !none.iter().all(|line| stats().contains(line)) {
        assert!(Instant::now() < end, "{}", stats());
    }
    assert_eq!(stat(&world.a, "REFER received"), transfers);
    assert_eq!(stat(&world.a, "REFER decided"), transfers);
    assert_eq!(stat(&world.a, "Faults inside the library"), 0);
}

#[test]
fn transfers_at_a_steady_rate_leave_nothing_behind() {
    let world = World::start_quiet("rate", Module::Sipxfer, TRUNK);
    let scene = world.scene();
    let mut bench = Bench::new("sipxfer", &world, &scene);
    let (run, _) = bench.play(LEAST, Duration::from_secs(4));
    assert_eq!(run.done as u32, LEAST * 4);
    nothing_is_left(&world, bench.done);
}

fn seconds() -> u64 {
    std::env::var("SIPXFER_LOAD_SECONDS").map_or(60, |text| text.parse().expect("seconds"))
}

/// `make hard`: five rounds of a minute each, in turn with Asterisk's own module in two processes
/// (the second shows how much is noise) and with the one of this project.
#[test]
#[ignore = "takes a quarter of an hour; make hard runs it"]
fn a_transfer_costs_no_more_than_with_asterisks_module() {
    let worlds = [
        World::start_quiet("one", Module::Stock, TRUNK),
        World::start_quiet("ours", Module::Sipxfer, TRUNK),
        World::start_quiet("other", Module::Stock, TRUNK),
    ];
    let scenes = worlds.each_ref().map(World::scene);
    let names = ["res_pjsip_refer", "res_pjsip_sipxfer", "res_pjsip_refer again"];
    let mut benches: Vec<Bench<'_>> =
        (0..worlds.len()).map(|at| Bench::new(names[at], &worlds[at], &scenes[at])).collect();
    let how_long = Duration::from_secs(seconds());
    // What Asterisk's module sustains here: the highest of these rates at which no transfer waits. All
    // three play the same before they are measured: a heap that has been large once is faster.
    let (mut rate, mut tried) = (LEAST, Vec::new());
    for more in [LEAST, 30, 40, 60, 80] {
        let (run, _) = benches[0].play(more, WARM);
        println!("{more} a second: {} late, the longest {:?}", run.late, run.longest);
        tried.push(more);
        if run.late > 0 || run.longest > Duration::from_secs(2) {
            break;
        }
        rate = more;
    }
    for bench in &mut benches[1..] {
        for same in &tried {
            bench.play(*same, WARM);
        }
    }
    for number in 0..ROUNDS {
        round(&mut benches, number, rate, how_long);
    }
    for bench in &benches {
        nothing_is_left(bench.world, bench.done);
    }
    let [stock, ours, again] = [0, 1, 2].map(|at| benches[at].mean());
    let usual = (stock + again) / 2.0;
    let (ratio, noise) = (ours / usual, again / stock);
    println!("{rate} transfers a second; ratio {ratio:.3}, noise {noise:.3}");
    let verdict = |met: bool| if met { "met" } else { "missed" };
    let met = ratio <= GOAL;
    println!("goal processor time of a transfer <= {GOAL}: {}", verdict(met));
    let grown = |bench: &Bench<'_>| {
        bench.memory[ROUNDS - 1].saturating_sub(bench.memory[1]) as f64 / 1024.0
    };
    let [usual, more] = [grown(&benches[0]).max(grown(&benches[2])), grown(&benches[1])];
    let flat = more <= usual + BREATH;
    println!(
        "memory from the second round to the last: {usual:.1} MiB more with Asterisk's module, \
         {more:.1} with this one"
    );
    println!("goal memory is flat: {}", verdict(flat));
    assert!(met, "a transfer costs {ratio:.3} of what it costs with Asterisk's module");
    assert!(flat, "the memory has grown by {more:.1} MiB");
    let played: u64 = benches.iter().map(|bench| bench.done).sum();
    println!("hard: asterisk-cost {played} 0 0 0");
}
