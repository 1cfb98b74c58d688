//! strowger-server
