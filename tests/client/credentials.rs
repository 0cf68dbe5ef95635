use secrecy::ExposeSecret as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use tuttu::client::credentials::{Credentials, CredentialsError};
use tuttu::client::sync::{AddressBook, PaidSet};
use tuttu::client::wire::Receipt;
use tuttu::model::handle::Handle;
use uuid::Uuid;

fn credentials() -> Credentials {
    let set = PaidSet {
        handles: [[1; 16], [2; 16]].map(Handle::from_bytes).into(),
        receipt: Receipt::from_bytes(vec![7; 33]),
    };
    Credentials {
        server: "https://tuttu.example".into(),
        region: Some("FI".into()),
        account_id: Uuid::from_bytes([3; 16]),
        device_id: Uuid::from_bytes([4; 16]),
        device_token: "tut_secret".into(),
        sync: AddressBook { epoch: 5, sets: vec![set] },
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn credentials_come_back_as_they_were_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/client.toml");
    credentials().write(&path).unwrap();
    let read = Credentials::read(&path).unwrap();
    assert_eq!(read.device_token.expose_secret(), "tut_secret");
    assert_eq!((read.server, read.region), (credentials().server, credentials().region));
    assert_eq!((read.account_id, read.device_id), (credentials().account_id, credentials().device_id));
    assert_eq!(read.sync, credentials().sync);
}

#[test]
fn nobody_else_can_read_them_and_no_draft_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tuttu/client.toml");
    credentials().write(&path).unwrap();
    credentials().write(&path).unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn credentials_that_others_can_read_are_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.toml");
    credentials().write(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let error = Credentials::read(&path).unwrap_err();
    assert!(matches!(error, CredentialsError::Readable(_)));
    assert!(error.to_string().contains("chmod 600"));
    credentials().write(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_damaged_file_is_named_and_its_token_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.toml");
    credentials().write(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    for damaged in [text.replace("tut_secret\"", "tut_secret"), text.replace("handles = \"", "handles = \"!")]
    {
        fs::write(&path, damaged).unwrap();
        let error = Credentials::read(&path).unwrap_err();
        assert!(error.to_string().contains("client.toml is damaged"), "{error}");
        assert!(!format!("{error} {error:?}").contains("tut_secret"), "{error:?}");
    }
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("kept.toml"), folder.path().join("client.toml"));
    credentials().write(&file).unwrap();
    symlink(&file, &link).unwrap();
    credentials().write(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn the_token_is_not_printed_by_accident() {
    let shown = format!("{:?}", credentials());
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn a_file_that_is_not_there_is_reported_as_missing_and_removing_it_is_no_error() {
    let path = tempfile::tempdir().unwrap().path().join("client.toml");
    assert!(matches!(Credentials::read(&path), Err(CredentialsError::Missing(_))));
    Credentials::remove(&path).unwrap();
}
