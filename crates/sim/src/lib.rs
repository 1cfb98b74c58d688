//! strowger-sim
