"""The broker's side of the daemon: messages in, receipts and acknowledgements out. No decoding, no database."""
