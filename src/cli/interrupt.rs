//! Ctrl-C and its like: the first asks to stop, the second stops.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::TERM_SIGNALS;
use signal_hook::flag;

use crate::{Error, Result};

/// What a shell reports of an interrupted program.
const INTERRUPTED: i32 = 130;

/// Is set once the program is asked to stop.
pub(super) fn asked() -> Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    for &signal in TERM_SIGNALS {
        // In this order: the signal that sets the flag must not find it set.
        flag::register_conditional_shutdown(signal, INTERRUPTED, asked.clone())
            .and_then(|_| flag::register(signal, asked.clone()))
            .map_err(|e| Error::io(format!("signal {signal}"), e))?;
    }
    Ok(asked)
}
