"""The pages that people and banks' staff see: plain HTML, no script, no knowledge of OAuth's wire."""
