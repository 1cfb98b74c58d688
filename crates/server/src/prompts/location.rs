//! Where a prompt's name leads: always into the media folder.

use std::io;
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

/// Why a name leads nowhere.
#[derive(Debug, Error)]
pub enum LocationError {
    /// Another scheme than `file:`.
    #[error(
        "{0}: addresses cannot be played, only file: addresses and paths below the media folder"
    )]
    Scheme(String),
    /// Absolute, or with `..`.
    #[error("the path leads out of the media folder")]
    Outside,
    /// The address is not one: `%` without two hexadecimal digits, or not UTF-8.
    #[error("not a valid file: address")]
    Malformed,
    /// A folder, a pipe, a device.
    #[error("not a file")]
    NotAFile,
    /// The file system's answer.
    #[error("{0}")]
    Io(io::Error),
}

/// The folder below which all prompts lie.
#[derive(Clone, Debug)]
pub struct MediaFolder(PathBuf);

impl MediaFolder {
    /// The folder must exist.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let folder = folder.canonicalize()?;
        if folder.is_dir() {
            Ok(Self(folder))
        } else {
            Err(io::Error::from(io::ErrorKind::NotADirectory))
        }
    }

    /// The file that `name` stands for: `file:` address or path, relative to the
    /// folder, symbolic links resolved.
    pub fn resolve(&self, name: &str) -> Result<PathBuf, LocationError> {
        let relative = relative_path(name)?;
        let inside = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !inside {
            return Err(LocationError::Outside);
        }
        let path = self
            .0
            .join(relative)
            .canonicalize()
            .map_err(LocationError::Io)?;
        if !path.starts_with(&self.0) {
            return Err(LocationError::Outside);
        }
        if path.is_file() {
            Ok(path)
        } else {
            Err(LocationError::NotAFile)
        }
    }
}

fn relative_path(name: &str) -> Result<PathBuf, LocationError> {
    let Some((scheme, rest)) = name.split_once(':') else {
        return Ok(PathBuf::from(name));
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme {
        return Ok(PathBuf::from(name));
    }
    if !scheme.eq_ignore_ascii_case("file") {
        return Err(LocationError::Scheme(scheme.to_owned()));
    }
    percent_decode(rest).map(PathBuf::from)
}

/// RFC 3986 §2.1.
fn percent_decode(text: &str) -> Result<String, LocationError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else {
            return Err(LocationError::Malformed);
        };
        let digit = |c: u8| char::from(c).to_digit(16).ok_or(LocationError::Malformed);
        octets.push((digit(*high)? * 16 + digit(*low)?) as u8);
        rest = tail;
    }
    if octets.contains(&0) {
        return Err(LocationError::Malformed);
    }
    String::from_utf8(octets).map_err(|_| LocationError::Malformed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::test_folder::TestFolder;

    #[test]
    fn names_lead_to_files_below_the_folder_and_nowhere_else() {
        let outer = TestFolder::new("location");
        fs::create_dir_all(outer.path().join("media/de")).unwrap();
        fs::write(outer.path().join("media/de/hallo welt.wav"), "x").unwrap();
        fs::write(outer.path().join("secret.wav"), "x").unwrap();
        std::os::unix::fs::symlink("../secret.wav", outer.path().join("media/out.wav")).unwrap();
        std::os::unix::fs::symlink("de/hallo welt.wav", outer.path().join("media/in.wav")).unwrap();
        let folder = MediaFolder::new(&outer.path().join("media")).unwrap();

        for name in [
            "de/hallo welt.wav",
            "file:de/hallo%20welt.wav",
            "FILE:./de/hallo welt.wav",
            "in.wav",
        ] {
            assert!(
                folder
                    .resolve(name)
                    .unwrap()
                    .ends_with("media/de/hallo welt.wav"),
                "{name}"
            );
        }
        let absolute = outer.path().join("media/de/hallo welt.wav");
        for name in [
            "../secret.wav",
            "de/../../secret.wav",
            "file:..%2fsecret.wav",
            "out.wav",
            absolute.to_str().unwrap(),
            "file:///etc/passwd",
            "file://host/x.wav",
        ] {
            assert!(
                matches!(folder.resolve(name), Err(LocationError::Outside)),
                "{name}"
            );
        }
        assert!(matches!(folder.resolve("de"), Err(LocationError::NotAFile)));
        assert!(matches!(
            folder.resolve("absent.wav"),
            Err(LocationError::Io(_))
        ));
        assert!(matches!(
            folder.resolve("https://a/b.wav"),
            Err(LocationError::Scheme(_))
        ));
        for name in ["file:%", "file:%4", "file:%zz", "file:%ff", "file:%00"] {
            assert!(
                matches!(folder.resolve(name), Err(LocationError::Malformed)),
                "{name}"
            );
        }
    }

    #[test]
    fn a_folder_that_is_none_is_refused() {
        let outer = TestFolder::new("no-folder");
        assert!(MediaFolder::new(&outer.path().join("absent")).is_err());
        fs::write(outer.path().join("file"), "x").unwrap();
        assert!(MediaFolder::new(&outer.path().join("file")).is_err());
    }
}
