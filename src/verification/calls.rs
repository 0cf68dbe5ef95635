//! Calls that ask what to say: the code is read only to whoever has pressed a key.

use super::{Failure, ReportRefused, Reports};
use crate::model::delivery::{Channel, DeliveryStatus};
use crate::model::id::DeliveryId;
use crate::model::locale::Locale;
use crate::model::message::VoiceScript;
use crate::model::verification::Status;
use crate::sender::{CallAnswer, Callback, Gateway};
use crate::store::Settlement;
use jiff::Timestamp;

impl Reports {
    /// What a call is told. A key that was pressed settles its delivery before the code is read; where the code is
    /// over, or the delivery is not known or no call of that gateway, the call ends.
    ///
    /// # Errors
    /// [`ReportRefused`].
    pub async fn call(
        &self,
        gateway: &str,
        delivery: Option<DeliveryId>,
        callback: &Callback<'_>,
    ) -> Result<CallAnswer, ReportRefused> {
        let gateway = self.gateways.named(gateway).ok_or(ReportRefused::UnknownGateway)?;
        let call = gateway.sender.called(callback).map_err(|_| ReportRefused::SignatureInvalid)?;
        let Some(delivery) = delivery else { return Ok(call.answer(None)) };
        let script = self.script(gateway, delivery, callback.at).await?;
        if script.is_some() && call.key_pressed() {
            let status = DeliveryStatus::Delivered;
            let heard =
                Settlement { status, gateway: &gateway.name, message: None, reason: None, unpaid: false };
            self.settle(delivery, &heard, callback.at).await?;
        }
        Ok(call.answer(script.as_ref()))
    }

    async fn script(
        &self,
        gateway: &Gateway,
        delivery: DeliveryId,
        now: Timestamp,
    ) -> Result<Option<VoiceScript>, Failure> {
        let Some(delivery) = self.store.delivery(delivery).await? else { return Ok(None) };
        // The call may ask before the gateway's answer to its order is written down.
        let its_own = delivery.gateway.as_ref().is_none_or(|name| *name == gateway.name);
        if delivery.channel != Channel::Voice || !its_own {
            return Ok(None);
        }
        let found = self.store.verification(delivery.verification).await?;
        let Some(verification) = found.filter(|found| found.status(now) == Status::Pending) else {
            return Ok(None);
        };
        let code = verification.code(self.keys.code())?;
        let locale = Locale::choose(verification.template.locale.as_deref(), None, "");
        Ok(Some(VoiceScript::new(&code, locale)))
    }
}
