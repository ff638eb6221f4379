//! What nodes tell each other: which campaigns may have a new next step, and that some have no owner any more. A word is a
//! hint, like every wake-up: whoever misses one finds out by itself, later.
//!
//! It is never part of the transaction that it is about. PostgreSQL lets transactions that notify commit one at a time: 8
//! clients were half as fast for it.

use std::future::poll_fn;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, NoTls};
use uuid::Uuid;

use super::{Database, Error, Tls, execute, tls};

/// What is told at once at most: PostgreSQL takes 8,000 bytes.
const CAMPAIGNS_AT_ONCE: usize = 200;

/// Words that wait to be heard at most. Later ones are missed.
const MOST_WAITING: usize = 1024;

/// What a node tells the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// These campaigns may have a new next step.
    Wake(Vec<Uuid>),
    /// There are campaigns to take over.
    Ownerless,
}

impl Word {
    fn payloads(&self, node: Uuid) -> Vec<String> {
        match self {
            Self::Ownerless => vec![format!("{node} ownerless")],
            Self::Wake(campaigns) => campaigns
                .chunks(CAMPAIGNS_AT_ONCE)
                .map(|some| some.iter().fold(format!("{node} wake"), |told, id| format!("{told} {id}")))
                .collect(),
        }
    }

    /// What was told, and by whom; none if it is nothing that this version knows.
    fn parse(payload: &str) -> Option<(Uuid, Self)> {
        let mut parts = payload.split(' ');
        let node = parts.next()?.parse().ok()?;
        let word = match parts.next()? {
            "ownerless" => Self::Ownerless,
            "wake" => Self::Wake(parts.map(str::parse).collect::<Result<_, _>>().ok()?),
            _ => return None,
        };
        Some((node, word))
    }
}

/// Tells it all nodes that listen.
pub async fn tell(database: &Database, node: Uuid, word: &Word) -> Result<(), Error> {
    const SQL: &str = "SELECT pg_notify('outdial', payload) FROM unnest($1::text[]) AS payload";
    execute(&database.client().await?, SQL, &[&word.payloads(node)]).await?;
    Ok(())
}

/// Hears what nodes tell, from when it was made until its connection is lost.
pub struct Listener {
    words: mpsc::Receiver<(Uuid, Word)>,
    connection: JoinHandle<()>,
    client: Client,
}

impl Listener {
    /// The next word, and whose it is. None when the connection is lost.
    pub async fn next(&mut self) -> Option<(Uuid, Word)> {
        self.words.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Listens, on a connection of its own.
pub async fn listen(database: &Database) -> Result<Listener, Error> {
    let config = &database.config;
    match database.tls {
        Tls::Off => hear(config.connect(NoTls).await?).await,
        Tls::Encrypted => hear(config.connect(tls::encrypted()).await?).await,
        Tls::Verified => hear(config.connect(tls::verified()).await?).await,
    }
}

async fn hear<S, T>(
    (client, mut connection): (Client, tokio_postgres::Connection<S, T>),
) -> Result<Listener, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (told, words) = mpsc::channel(MOST_WAITING);
    let connection = tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message
                && let Some(word) = Word::parse(notification.payload())
            {
                // With nobody to hear it in time it is a word that was missed.
                let _ = told.try_send(word);
            }
        }
    });
    let listener = Listener { words, connection, client };
    listener.client.batch_execute("LISTEN outdial").await?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard_however_many_campaigns_it_is_about() {
        let node = Uuid::now_v7();
        let campaigns: Vec<Uuid> = (0..450).map(|_| Uuid::now_v7()).collect();
        let payloads = Word::Wake(campaigns.clone()).payloads(node);
        assert_eq!(payloads.len(), 3);
        let mut heard = Vec::new();
        for payload in &payloads {
            assert!(payload.len() < 8000, "{} bytes", payload.len());
            let Some((by, Word::Wake(some))) = Word::parse(payload) else { panic!("{payload}") };
            assert_eq!(by, node);
            heard.extend(some);
        }
        assert_eq!(heard, campaigns);
        assert_eq!(Word::parse(&Word::Ownerless.payloads(node)[0]), Some((node, Word::Ownerless)));
    }

    #[test]
    fn what_is_not_understood_is_not_heard() {
        let node = Uuid::now_v7();
        for payload in
            ["", "ownerless", &format!("{node} sing"), &format!("{node} wake it"), &node.to_string()]
        {
            assert_eq!(Word::parse(payload), None, "{payload}");
        }
    }
}
