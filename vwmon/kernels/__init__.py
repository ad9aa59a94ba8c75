"""Pure arrays: ragged columns, windows over them, look-up in bands. numpy only; nothing clinical, no clock."""
