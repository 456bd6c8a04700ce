//! Many commands in one round trip, which takes no longer than it may as a whole.
//!
//! The client's own pipeline gives each single answer all the time there is: where the server has fallen
//! silent it would be waited for as often as there are commands, for minutes.
#![forbid(unsafe_code)]

use redis::{from_redis_value, Connection, FromRedisValue, Pipeline, RedisError, Value};
use std::io::{Error, ErrorKind};
use std::time::{Duration, Instant};

/// The answers, in the order of the commands. Behind an error the connection is not used any more: it may
/// still bring answers.
pub fn round_trip<T: FromRedisValue>(
    connection: &mut Connection,
    commands: &Pipeline,
    until: Instant,
) -> Result<Vec<T>, RedisError> {
    connection.set_write_timeout(Some(left(until)?))?;
    connection.send_packed_command(&commands.get_packed_pipeline())?;
    let mut answers = Vec::with_capacity(commands.len());
    while answers.len() < commands.len() {
        connection.set_read_timeout(Some(left(until)?))?;
        let answer = connection.recv_response()?;
        // What a server tells between two answers is none.
        if !matches!(answer, Value::Push { .. }) {
            answers.push(from_redis_value(answer.extract_error()?)?);
        }
    }
    Ok(answers)
}

/// A socket takes no time limit of nothing.
fn left(until: Instant) -> Result<Duration, RedisError> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Error::from(ErrorKind::TimedOut).into());
    }
    Ok(left)
}
