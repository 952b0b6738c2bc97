//! Where a run writes to, opened and looked at before anything runs: a name mistyped must not cost
//! anybody the results of before, nor an hour of counting.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::input::Input;
use crate::input::file_id::FileId;
use crate::recovery::written::{FileState, OutputFile, Written};

/// An output, open and with what it held before.
pub struct Output {
    name: String,
    /// Where it stands, if it was given by name.
    path: Option<PathBuf>,
    file: File,
    is_file: bool,
    /// Two outputs in this would spoil each other; none for devices, and pipes that the shell named.
    exclusive: Option<FileId>,
}

impl Output {
    /// Opens or makes a file, unless it is an input.
    ///
    /// # Errors
    /// It cannot be written, or is an input.
    pub fn open(path: &Path, inputs: &[Input]) -> Result<Output, Error> {
        let name = path.display().to_string();
        let open = File::options().write(true).create(true).truncate(false).open(path);
        let file = open.map_err(|e| Error::output(&name, e))?;
        let output = Output::look_at(name, file, path.starts_with("/dev"), inputs)?;
        Ok(Output { path: Some(path.to_owned()), ..output })
    }

    /// What stdout is, unless that is an input.
    ///
    /// # Errors
    /// It cannot be told, or is an input.
    pub fn stdout(inputs: &[Input]) -> Result<Output, Error> {
        let fd = io::stdout().as_fd().try_clone_to_owned();
        let file = File::from(fd.map_err(|e| Error::output("stdout", e))?);
        Output::look_at("stdout".into(), file, true, inputs)
    }

    fn look_at(name: String, file: File, shared: bool, inputs: &[Input]) -> Result<Output, Error> {
        let metadata = file.metadata().map_err(|e| Error::output(&name, e))?;
        if let Some(input) = inputs.iter().find(|input| input.is_same_file(&metadata)) {
            let input = &input.name;
            return Err(Error::usage(format!("{name} is the input {input}: give another output")));
        }
        let is_file = metadata.is_file();
        let exclusive = (is_file || !shared).then(|| FileId::of(&metadata));
        Ok(Output { name, path: None, file, is_file, exclusive })
    }

    /// Refuses two outputs in one place.
    ///
    /// # Errors
    /// There are two.
    pub fn check_different(outputs: &[&Output]) -> Result<(), Error> {
        for (index, one) in outputs.iter().enumerate() {
            let same =
                |other: &&Output| one.exclusive.is_some() && other.exclusive == one.exclusive;
            if outputs[..index].iter().any(same) {
                return Err(Error::usage(format!("{} is given for two outputs", one.name)));
            }
        }
        Ok(())
    }

    /// Has a file's name be on the disk, too, which its content is of no use without.
    ///
    /// # Errors
    /// It cannot be.
    pub fn keep_name(&self) -> Result<(), Error> {
        let Some(path) = self.path.as_deref().filter(|_| self.is_file) else { return Ok(()) };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = File::open(parent.unwrap_or(Path::new(".")));
        folder.and_then(|folder| folder.sync_all()).map_err(|e| Error::output(&self.name, e))
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Empties a file that was given by name; what is no plain file has nothing to empty.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn empty(self) -> Result<File, Error> {
        if self.is_file {
            self.file.set_len(0).map_err(|e| Error::output(&self.name, e))?;
        }
        Ok(self.file)
    }

    /// Whether it is a plain file.
    pub fn is_file(&self) -> bool {
        self.is_file
    }

    /// Whether it begins with what an earlier run has written.
    ///
    /// # Errors
    /// It does not.
    pub fn check_is(&self, before: &FileState) -> Result<(), Error> {
        let len = self.file.metadata().map_err(|e| Error::output(&self.name, e))?.len();
        let why = match self.read_besides()? {
            Some(_) if len < before.bytes => {
                format!("it has {len} bytes, and had {}", before.bytes)
            }
            Some(read) if before.is_of(&read) => return Ok(()),
            _ => "it is not the file that was written".into(),
        };
        Err(Error::usage(format!(
            "{}: {why} when the checkpoint was made: give the file that was written then, or start over with --fresh",
            self.name
        )))
    }

    /// The same file to be read, if it is a plain one that was given by name.
    fn read_besides(&self) -> Result<Option<File>, Error> {
        let Some(path) = self.path.as_deref().filter(|_| self.is_file) else { return Ok(None) };
        File::open(path).map(Some).map_err(|e| Error::output(&self.name, e))
    }

    /// The same for whoever keeps checkpoints; none if it is no plain file, which has no length.
    ///
    /// # Errors
    /// It cannot be opened once more.
    pub fn besides(&self, what: Written) -> Result<Option<OutputFile>, Error> {
        let Some(read) = self.read_besides()? else { return Ok(None) };
        let file = self.file.try_clone().map_err(|e| Error::output(&self.name, e))?;
        Ok(Some(OutputFile { what, name: self.name.clone(), file, read }))
    }

    /// Cuts a file back to the bytes an earlier run has written, behind which is written on; with none it
    /// is emptied.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn from(self, bytes: Option<u64>) -> Result<File, Error> {
        let Some(bytes) = bytes else { return self.empty() };
        let mut file = self.file;
        let cut = file.set_len(bytes).and_then(|()| file.seek(SeekFrom::Start(bytes)));
        cut.map_err(|e| Error::output(&self.name, e))?;
        Ok(file)
    }

    /// Empties it and writes all there is to say.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn write(self, text: &str) -> Result<(), Error> {
        let name = self.name.clone();
        self.empty()?.write_all(text.as_bytes()).map_err(|e| Error::output(&name, e))
    }
}
