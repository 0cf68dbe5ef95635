//! The account of a device, and its devices.

use super::Session;
use crate::client::error::ClientError;
use crate::client::shapes::{Account, Device};
use reqwest::Method;
use serde::Deserialize;
use uuid::Uuid;

impl Session {
    /// The account (`GET /v1/account`).
    ///
    /// # Errors
    /// [`ClientError`]; the refusal `token_invalid` when the device is signed out.
    pub async fn account(&self) -> Result<Account, ClientError> {
        self.call(Method::GET, ["v1", "account"]).json_answer().await
    }

    /// Erases the account with all its devices (`DELETE /v1/account`).
    ///
    /// # Errors
    /// [`ClientError`]; the refusal `token_invalid` when the device is signed out.
    pub async fn delete_account(&self) -> Result<(), ClientError> {
        self.call(Method::DELETE, ["v1", "account"]).bytes().await.map(drop)
    }

    /// The devices of the account (`GET /v1/devices`).
    ///
    /// # Errors
    /// [`ClientError`]; the refusal `token_invalid` when the device is signed out.
    pub async fn devices(&self) -> Result<Vec<Device>, ClientError> {
        #[derive(Deserialize)]
        struct Devices {
            devices: Vec<Device>,
        }
        let answer: Devices = self.call(Method::GET, ["v1", "devices"]).json_answer().await?;
        Ok(answer.devices)
    }

    /// Signs a device out for good (`DELETE /v1/devices/{id}`).
    ///
    /// # Errors
    /// [`ClientError`]; the refusal `not_found` for what is no device of the account.
    pub async fn revoke_device(&self, device: Uuid) -> Result<(), ClientError> {
        let id = device.to_string();
        self.call(Method::DELETE, ["v1", "devices", &id]).bytes().await.map(drop)
    }
}
