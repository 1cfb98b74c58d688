//! The prompts that were loaded, kept until their file changes or room is needed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use strowger_media::player::Prompt;

use super::{LoadError, LocationError, MediaFolder, wav};

/// Limits of a [`Library`].
#[derive(Clone, Copy, Debug)]
pub struct LibraryLimits {
    /// The longest prompt, in s.
    pub max_prompt_s: u32,
    /// All prompts kept together, in s; a second takes 16 kB.
    pub max_cached_s: u32,
}

/// Prompts by file.
#[derive(Debug)]
pub struct Library {
    folder: MediaFolder,
    limits: LibraryLimits,
    shelf: HashMap<PathBuf, Shelved>,
    samples: u64,
    clock: u64,
}

#[derive(Debug)]
struct Shelved {
    changed: Option<SystemTime>,
    octets: u64,
    prompt: Arc<Prompt>,
    used: u64,
}

impl Library {
    /// An empty library over `folder`.
    pub fn new(folder: MediaFolder, limits: LibraryLimits) -> Self {
        Self {
            folder,
            limits,
            shelf: HashMap::new(),
            samples: 0,
            clock: 0,
        }
    }

    /// The prompt of that name: from memory while its file has the same time and
    /// size, else read anew. Waits for the disk.
    pub fn get(&mut self, name: &str) -> Result<Arc<Prompt>, LoadError> {
        let nowhere = |source| LoadError::Location {
            name: name.to_owned(),
            source,
        };
        let path = self.folder.resolve(name).map_err(nowhere)?;
        let about = path
            .metadata()
            .map_err(|error| nowhere(LocationError::Io(error)))?;
        let (changed, octets) = (about.modified().ok(), about.len());
        self.clock += 1;
        if let Some(shelved) = self.shelf.get_mut(&path)
            && (shelved.changed, shelved.octets) == (changed, octets)
        {
            shelved.used = self.clock;
            return Ok(Arc::clone(&shelved.prompt));
        }
        self.take_off(&path);
        let prompt = self.load(name, &path)?;
        self.samples += prompt.len() as u64;
        let shelved = Shelved {
            changed,
            octets,
            prompt: Arc::clone(&prompt),
            used: self.clock,
        };
        self.shelf.insert(path, shelved);
        self.make_room();
        Ok(prompt)
    }

    /// Prompts kept.
    pub fn len(&self) -> usize {
        self.shelf.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.shelf.is_empty()
    }

    fn load(&self, name: &str, path: &Path) -> Result<Arc<Prompt>, LoadError> {
        let wav = wav::read(path, self.limits.max_prompt_s).map_err(|source| LoadError::Wav {
            name: name.to_owned(),
            path: path.to_owned(),
            source,
        })?;
        Prompt::from_pcm(name, &wav.samples, wav.rate, wav.channels).map_err(|source| {
            LoadError::Samples {
                name: name.to_owned(),
                path: path.to_owned(),
                source,
            }
        })
    }

    fn make_room(&mut self) {
        let room = u64::from(self.limits.max_cached_s) * 8000;
        while self.samples > room {
            let oldest = self.shelf.iter().min_by_key(|(_, shelved)| shelved.used);
            let Some(path) = oldest.map(|(path, _)| path.clone()) else {
                return;
            };
            self.take_off(&path);
        }
    }

    fn take_off(&mut self, path: &PathBuf) {
        if let Some(shelved) = self.shelf.remove(path) {
            self.samples -= shelved.prompt.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use hound::{SampleFormat, WavSpec, WavWriter};

    use super::*;
    use crate::test_folder::TestFolder;

    pub(crate) fn write_wav(path: &Path, samples: usize) {
        let spec = WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut writer = WavWriter::create(path, spec).unwrap();
        for n in 0..samples {
            writer.write_sample((n % 100) as i16).unwrap();
        }
        writer.finalize().unwrap();
    }

    fn library(folder: &TestFolder, max_cached_s: u32) -> Library {
        let limits = LibraryLimits {
            max_prompt_s: 10,
            max_cached_s,
        };
        Library::new(MediaFolder::new(folder.path()).unwrap(), limits)
    }

    #[test]
    fn a_prompt_is_read_once_until_its_file_changes() {
        let folder = TestFolder::new("library");
        let file = folder.path().join("a.wav");
        write_wav(&file, 800);
        let mut library = library(&folder, 100);
        let first = library.get("a.wav").unwrap();
        assert!(Arc::ptr_eq(&first, &library.get("file:a.wav").unwrap()));
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(later)
            .unwrap();
        let second = library.get("a.wav").unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        fs::remove_file(&file).unwrap();
        assert!(matches!(
            library.get("a.wav"),
            Err(LoadError::Location { .. })
        ));
    }

    #[test]
    fn the_least_used_makes_room() {
        let folder = TestFolder::new("library-room");
        for name in ["a", "b", "c"] {
            write_wav(&folder.path().join(name), 8000);
        }
        let mut library = library(&folder, 2);
        let first = library.get("a").unwrap();
        library.get("b").unwrap();
        library.get("a").unwrap();
        library.get("c").unwrap();
        assert_eq!(library.len(), 2);
        assert!(Arc::ptr_eq(&first, &library.get("a").unwrap()), "b went");
    }

    #[test]
    fn errors_name_the_prompt_and_the_reason() {
        let folder = TestFolder::new("library-errors");
        fs::write(folder.path().join("text.wav"), "this is not audio at all").unwrap();
        write_wav(&folder.path().join("empty.wav"), 0);
        write_wav(&folder.path().join("long.wav"), 88_001);
        let mut library = library(&folder, 2);
        for (name, reason) in [
            ("absent.wav", "No such file"),
            ("text.wav", "RIFF"),
            ("empty.wav", "no samples"),
            ("long.wav", "12 s long, the limit is 10 s"),
            (
                "http://example.com/a.wav",
                "http: addresses cannot be played",
            ),
        ] {
            let error = library.get(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(reason), "{error}");
        }
        assert!(library.is_empty());
    }
}
