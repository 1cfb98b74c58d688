//! Who may authenticate: user names and what their passwords hash to.

use std::collections::HashMap;
use std::fmt;

use super::algorithm::{Algorithm, ha1};

/// What a user is known by: the hashes `H(username:realm:password)`, in
/// lower-case hexadecimal digits. At least one is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    hashes: [Option<Box<[u8]>>; 2],
}

impl Credentials {
    /// Both hashes, from the password.
    pub fn of_password(username: &str, realm: &str, password: &str) -> Self {
        let hash = |algorithm| {
            let digits = ha1(algorithm, username, realm, password);
            Some(digits.into_bytes().into_boxed_slice())
        };
        Self {
            hashes: Algorithm::ALL.map(hash),
        }
    }

    /// From hashes alone. `None` if there is none, or one is not as many
    /// hexadecimal digits as its algorithm makes.
    pub fn of_hashes(sha256: Option<&str>, md5: Option<&str>) -> Option<Self> {
        let given = [(Algorithm::Sha256, sha256), (Algorithm::Md5, md5)];
        let mut hashes = [None, None];
        for (place, (algorithm, digits)) in hashes.iter_mut().zip(given) {
            let Some(digits) = digits else { continue };
            let is_hash = digits.len() == 2 * algorithm.hash_len()
                && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            if !is_hash {
                return None;
            }
            *place = Some(digits.to_ascii_lowercase().into_bytes().into_boxed_slice());
        }
        hashes
            .iter()
            .any(Option::is_some)
            .then_some(Self { hashes })
    }

    /// The hash by that algorithm, if it is known.
    pub fn hash(&self, algorithm: Algorithm) -> Option<&[u8]> {
        match algorithm {
            Algorithm::Sha256 => self.hashes[0].as_deref(),
            Algorithm::Md5 => self.hashes[1].as_deref(),
        }
    }
}

impl fmt::Debug for Credentials {
    /// Says nothing that opens a door.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// A user, by its place in [`Users`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserIndex(pub u32);

/// All users of one realm.
#[derive(Clone, Debug, Default)]
pub struct Users {
    names: Vec<String>,
    credentials: Vec<Credentials>,
    by_name: HashMap<Vec<u8>, UserIndex>,
}

impl Users {
    /// Adds a user, or gives the one of that name other credentials.
    pub fn insert(&mut self, name: &str, credentials: Credentials) -> UserIndex {
        if let Some(index) = self.find(name.as_bytes()) {
            self.credentials[index.0 as usize] = credentials;
            return index;
        }
        let index = UserIndex(u32::try_from(self.names.len()).expect("fewer than 2^32 users"));
        self.names.push(name.to_owned());
        self.credentials.push(credentials);
        self.by_name.insert(name.as_bytes().to_vec(), index);
        index
    }

    /// The user of that name.
    pub fn find(&self, name: &[u8]) -> Option<UserIndex> {
        self.by_name.get(name).copied()
    }

    /// The name of a user.
    pub fn name(&self, user: UserIndex) -> &str {
        &self.names[user.0 as usize]
    }

    /// The credentials of a user.
    pub fn credentials(&self, user: UserIndex) -> &Credentials {
        &self.credentials[user.0 as usize]
    }

    /// All users in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Credentials)> {
        let names = self.names.iter().map(String::as_str);
        names.zip(&self.credentials)
    }

    /// Number of users.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Algorithms that every user has credentials for, the better one first.
    /// Offering more would tell who exists, and shut out the others.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let all_have = |algorithm: &Algorithm| {
            self.credentials
                .iter()
                .all(|user| user.hash(*algorithm).is_some())
        };
        Algorithm::ALL.into_iter().filter(all_have).collect()
    }
}
