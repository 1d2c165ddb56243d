//! How the world reaches this server: the one source of every address we give to Twilio.

/// A public host, with a port only when it is not 443.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAddress {
    authority: String,
}

impl PublicAddress {
    /// Reads `WEBHOOK_DOMAIN`: a host name; `https://` before it and `/` after it are forgiven.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("wss://")).unwrap_or(text);
        let authority = text.trim_end_matches('/').to_ascii_lowercase();
        if authority.contains("://") {
            return Err("must be a host name that Twilio reaches over https".to_owned());
        }
        if authority.contains(['/', '?', '#', '@']) {
            return Err("must be a host name only, without path, query or user name".to_owned());
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority.as_str(), None),
        };
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err("has a port that is no number from 1 to 65535".to_owned());
        }
        // Twilio refuses host names with an underscore (twilio-protocol 2.4).
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !host.split('.').all(is_label) {
            return Err("is not a legal host name".to_owned());
        }
        Ok(Self { authority: authority.strip_suffix(":443").unwrap_or(&authority).to_owned() })
    }

    /// Returns the base of webhook addresses, without a slash at the end.
    pub fn https(&self) -> String {
        format!("https://{}", self.authority)
    }

    /// Returns the base of socket addresses, without a slash at the end.
    pub fn wss(&self) -> String {
        format!("wss://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_read_in_the_spellings_people_use() {
        for text in ["bridge.example.com", "https://Bridge.example.com/", "bridge.example.com:443"] {
            assert_eq!(PublicAddress::parse(text).unwrap().wss(), "wss://bridge.example.com", "{text}");
        }
        assert_eq!(PublicAddress::parse("a-b.io:8443").unwrap().https(), "https://a-b.io:8443");
    }

    #[test]
    fn what_twilio_could_not_reach_is_refused() {
        for text in ["http://a.io", "a_b.io", "a.io/path", "me@a.io", "a.io:99999", "a..io", "a b"] {
            assert!(PublicAddress::parse(text).is_err(), "{text}");
        }
    }
}
