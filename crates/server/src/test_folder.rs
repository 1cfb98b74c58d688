//! A folder of a test, gone when the test is over.

use std::path::{Path, PathBuf};

/// Below the system's folder for temporary files; removed on drop.
pub(crate) struct TestFolder(PathBuf);

impl TestFolder {
    /// `name` must be different in each test.
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("strowger-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("temporary files can be written");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
